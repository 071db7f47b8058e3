const HIDDEN = '***';

/** The user part of a URL: up to the last `@` before the path begins, since passwords hold unescaped `@` in practice. */
const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'<>]*@/gi;

/** PEM private keys of every type; one that is cut off is hidden to the end of the text. */
const PRIVATE_KEY = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$(?![\s\S]))/g;

/** The URL, or the text with URLs in it, without user names and passwords: `http://***@proxy:8080`. */
export function redactUrl(text: string): string {
  return text.replace(URL_CREDENTIALS, `$1${HIDDEN}@`);
}

/** The text without credentials in URLs and without private keys. */
export function redactSecrets(text: string): string {
  return redactUrl(text).replace(
    PRIVATE_KEY,
    (_, type: string) => `-----BEGIN ${type}-----\n${HIDDEN}\n-----END ${type}-----`,
  );
}
