/** The certificates in a PEM text, one text each. What stands between and around them (comments, keys) is left out. */
export function certificatesIn(text: string): string[] {
  return (
    text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED )?CERTIFICATE-----/g) ??
    []
  );
}
