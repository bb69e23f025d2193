// Whether a code is an expression of UCUM, case sensitive (ucum.org, chapters 2 and 3): the symbols of units and prefixes and how
// they go together. Only the symbols stand here, no definitions: nothing is converted. UCUM is maintained by the Regenstrief
// Institute and the UCUM Organization.

export const UCUM = 'http://unitsofmeasure.org';

const PREFIXES = 'da Ki Mi Gi Ti Y Z E P T G M k h d c m u n p f a z y';

/** Take a prefix: `mmol`, `k[IU]`, `mm[Hg]`. */
const METRIC = `
  m s g rad K C cd mol sr Hz N Pa J W A V F Ohm S Wb Cel T H lm lx Bq Gy Sv
  l L ar t bar u eV pc kat U [iU] [IU] eq osm g% cal cal_[15] cal_[20] cal_m cal_IT cal_th m[H2O] m[Hg]
  [c] [h] [k] [eps_0] [mu_0] [e] [m_e] [m_p] [G] [g] [ly] gf tex
  Ky Gal dyn erg P Bi St Mx G Oe Gb sb Lmb ph Ci R RAD REM
  Np B B[SPL] B[V] B[mV] B[uV] B[10.nV] B[W] B[kW] st mho bit By Bd`;

/** Take none. */
const PLAIN = `
  10* 10^ [pi] % [ppth] [ppm] [ppb] [pptr] %[slope]
  gon deg ' '' circ sph min h d wk mo mo_s mo_j mo_g a a_t a_j a_g AU atm att Torr [psi] Ao b bit_s
  [degF] [degR] [degRe] [Cal] [Btu] [Btu_39] [Btu_59] [Btu_60] [Btu_m] [Btu_IT] [Btu_th] [HP] [den]
  [in_i] [ft_i] [yd_i] [mi_i] [fth_i] [nmi_i] [kn_i] [sin_i] [sft_i] [syd_i] [cin_i] [cft_i] [cyd_i] [bf_i] [cr_i]
  [mil_i] [cml_i] [hd_i] [mesh_i] [in_i'H2O] [in_i'Hg] [lbf_av]
  [ft_us] [yd_us] [in_us] [rd_us] [ch_us] [lk_us] [rch_us] [rlk_us] [fth_us] [fur_us] [mi_us] [acr_us] [srd_us] [smi_us]
  [sct] [twp] [mil_us] [in_br] [ft_br] [rd_br] [ch_br] [lk_br] [fth_br] [pc_br] [yd_br] [mi_br] [nmi_br] [kn_br] [acr_br]
  [gal_us] [bbl_us] [qt_us] [pt_us] [gil_us] [foz_us] [fdr_us] [min_us] [crd_us] [bu_us] [gal_wi] [pk_us] [dqt_us] [dpt_us]
  [tbs_us] [tsp_us] [cup_us] [foz_m] [cup_m] [tsp_m] [tbs_m]
  [gal_br] [pk_br] [bu_br] [qt_br] [pt_br] [gil_br] [foz_br] [fdr_br] [min_br]
  [gr] [lb_av] [oz_av] [dr_av] [scwt_av] [lcwt_av] [ston_av] [lton_av] [stone_av]
  [pwt_tr] [oz_tr] [lb_tr] [sc_ap] [dr_ap] [oz_ap] [lb_ap] [oz_m] [car_m] [car_Au]
  [lne] [pnt] [pca] [pnt_pr] [pca_pr] [pied] [pouce] [ligne] [didot] [cicero] [smoot]
  [diop] [p'diop] [Ch] [drp] [hnsf'U] [MET] [PRU] [wood'U] [pH] [S] [HPF] [LPF] [m/s2/Hz^(1/2)]
  [hp'_X] [hp'_C] [hp'_M] [hp'_Q] [hp_X] [hp_C] [hp_M] [hp_Q] [kp_X] [kp_C] [kp_M] [kp_Q]
  [arb'U] [USP'U] [GPL'U] [MPL'U] [APL'U] [beth'U] [anti'Xa'U] [todd'U] [dye'U] [smgy'U] [bdsk'U] [ka'U] [knk'U] [mclg'U]
  [tb'U] [CCID_50] [TCID_50] [EID_50] [PFU] [FFU] [CFU] [IR] [BAU] [AU] [Amb'a'1'U] [PNU] [Lf] [D'ag'U] [FEU] [ELU] [EU]`;

const ANNOTATION = /\{[\x21-\x7a|\x7e]*\}/.source;

/**
 * A unit with its exponent, or a number, with or without what is said about it in braces; or the braces alone. Which of several
 * readings is meant is told by what follows: `min` is no `m`.
 */
const COMPONENT = new RegExp(
  `(?:(?:(?:${oneOf(PREFIXES)})?(?:${oneOf(METRIC)})|${oneOf(PLAIN)})(?:[+-]?[0-9]+)?(?:${ANNOTATION})?` +
    `|[0-9]+(?:${ANNOTATION})?|${ANNOTATION})(?=[./)]|$)`,
  'y',
);

function oneOf(symbols: string): string {
  const all = symbols.trim().split(/\s+/);
  return all.map((symbol) => symbol.replaceAll(/[[\](){}.*+^$|/\\]/g, '\\$&')).join('|');
}

/** Components with `.` and `/` between them and round brackets around them; `/min` begins with the stroke. */
export function isUcum(code: string): boolean {
  let at = code.startsWith('/') ? 1 : 0;
  let depth = 0;
  for (;;) {
    for (; code[at] === '('; at += 1) depth += 1;
    COMPONENT.lastIndex = at;
    if (!COMPONENT.test(code)) return false;
    at = COMPONENT.lastIndex;
    for (; code[at] === ')'; at += 1) depth -= 1;
    if (depth < 0) return false;
    if (at === code.length) return depth === 0;
    if (code[at] !== '.' && code[at] !== '/') return false;
    at += 1;
  }
}

/** What people read of a code that is words in braces: `{Schritte}`. */
export function ucumWords(code: string): string {
  return /^\{[^{}]+\}$/.test(code) ? code.slice(1, -1) : code;
}
