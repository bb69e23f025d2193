// Professional roles that may log in with an SMC-B (I_Authorization_Service 1.6.1, "Allowed usergroups for Authorization
// SMC-B"), those of them the simulator issues certificates for; OIDs of gemSpec_OID.

export const OID_DIGA = '1.2.276.0.76.4.282';

export const LOGIN_ROLES: ReadonlySet<string> = new Set([
  '1.2.276.0.76.4.50', // oid_praxis_arzt
  '1.2.276.0.76.4.51', // oid_zahnarztpraxis
  '1.2.276.0.76.4.53', // oid_krankenhaus
  '1.2.276.0.76.4.54', // oid_öffentliche_apotheke
  OID_DIGA,
]);
