/** Whether a field name, in any case (RFC 9110 section 5.1), is this lower-case one. Allocates nothing. */
export function isFieldName(name: string, lower: string): boolean {
  if (name.length !== lower.length) return false;
  if (name === lower) return true;
  for (let i = 0; i < lower.length; i++) {
    const code = name.charCodeAt(i);
    const folded = code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
    if (folded !== lower.charCodeAt(i)) return false;
  }
  return true;
}
