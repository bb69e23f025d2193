// The Krankenversichertennummer: one letter, eight digits, one check digit (Anlage 1 to the VKNR guideline, § 290 SGB V):
// the letter as its two-digit place in the alphabet, the ten digits weighted 1,2,1,2 …, cross-sums added, modulo 10.

/** The check digit for a letter and eight digits. */
export function kvnrCheckDigit(letterAndEight: string): number {
  const letter = String(letterAndEight.charCodeAt(0) - 64).padStart(2, '0');
  let sum = 0;
  [...`${letter}${letterAndEight.slice(1)}`].forEach((digit, i) => {
    const weighted = Number(digit) * (1 + (i % 2));
    sum += weighted > 9 ? weighted - 9 : weighted;
  });
  return sum % 10;
}

export function isKvnr(text: string): boolean {
  return /^[A-Z]\d{9}$/.test(text) && kvnrCheckDigit(text.slice(0, 9)) === Number(text[9]);
}

/** An invented KVNR with a right check digit; `random` gives [0,1). */
export function inventKvnr(random: () => number): string {
  const letter = String.fromCharCode(65 + Math.floor(random() * 26));
  const eight = String(Math.floor(random() * 100_000_000)).padStart(8, '0');
  return `${letter}${eight}${kvnrCheckDigit(letter + eight)}`;
}
