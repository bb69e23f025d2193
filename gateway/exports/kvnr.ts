// The KVNR (Krankenversichertennummer): form and check digit (EXP-20). Used for nothing but locating the record and
// addressing the write (EXP-21).

/** One letter, nine digits, the last a check digit over the letter's two-digit position and the other eight. */
export function isKvnr(text: string): boolean {
  if (!/^[A-Z][0-9]{9}$/.test(text)) return false;
  const position = String(text.charCodeAt(0) - 64).padStart(2, '0');
  const digits = [...position, ...text.slice(1, 9)].map(Number);
  // Weights 1 and 2 in turn; of each product the digit sum counts.
  const sum = digits.reduce((total, digit, i) => {
    const product = digit * (i % 2 === 0 ? 1 : 2);
    return total + Math.floor(product / 10) + (product % 10);
  }, 0);
  return sum % 10 === Number(text[9]);
}
