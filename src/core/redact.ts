const HIDDEN = '***';

/** From the scheme of a URL to the last `@` before a space or a quote; JSON's `\"` is part of it. */
const URL_WITH_AT = /\b([a-z][a-z0-9+.-]*:\/\/)((?:\\"|[^\s"])*)@/gi;

/** `NAME:PASSWORD@` without a scheme; neither a Windows path nor the digest of an image (`alpine:3@sha256:...`). */
const BARE_LOGIN = /(^|[\s"'=(,])([^\s"'=(,:/@]+:(?![\\/])(?:\\"|[^\s"])*)@(?!sha\d+:)/gm;

/** A proxy variable up to the last `@` of its line or string: whatever its password holds, spaces too. */
const PROXY_VARIABLE = /\b((?:https?|ftp|all)_proxy=)((?:\\"|[^"\n])*@)/gi;

/** What stands for a login in advice, and what is hidden already. */
const NO_SECRET = /^(?:(?:DOMAIN%5C)?USER(?::PASSWORD)?|(?:[^:]*:)?\*\*\*)$/;

/** Values of queries that let whoever holds them in: signed addresses of downloads. */
const TELLING_QUERY =
  /([?&][^=&#\s"]*(?:sig|token|key|secret|password|credential|auth)[^=&#\s"]*=)[^&#\s"]*/gi;

/** PEM private keys of every type; one that is cut off is hidden to the end of the text. */
const PRIVATE_KEY = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$(?![\s\S]))/g;

/**
 * A URL, or what was meant as one, that may be printed: `http://joe:***@proxy:8080`. Passwords, user names without a password (tokens are sent so)
 * and telling values of its query are hidden. Where it cannot be read it rather hides too much.
 */
export function redactUrl(url: string): string {
  const scheme = schemeOf(url);
  const rest = url.slice(scheme.length);
  const at = mayHoldLogin(rest) ? rest.lastIndexOf('@') : -1;
  return hideQuery(at < 0 ? url : `${scheme}${hideLogin(rest.slice(0, at))}${rest.slice(at)}`);
}

/** A proxy setting that may be printed. It has no path to keep: whatever stands before its last `@` is the login. */
export function redactProxy(setting: string): string {
  const scheme = schemeOf(setting);
  const at = setting.lastIndexOf('@');
  if (at < scheme.length) return setting;
  return `${scheme}${hideLogin(setting.slice(scheme.length, at))}${setting.slice(at)}`;
}

/** A text that may be printed: its URLs as `redactUrl` gives them, logins without a scheme and private keys hidden. */
export function redactSecrets(text: string): string {
  return hideQuery(redactLogins(text)).replace(
    PRIVATE_KEY,
    (_, type: string) => `-----BEGIN ${type}-----\n${HIDDEN}\n-----END ${type}-----`,
  );
}

function redactLogins(text: string): string {
  return text
    .replace(PROXY_VARIABLE, (_, name: string, setting: string) => name + redactProxy(setting))
    .replace(URL_WITH_AT, (_, scheme: string, rest: string) =>
      // Without a login it may be followed by another URL that has one.
      mayHoldLogin(`${rest}@`) ? `${scheme}${hideLogin(rest)}@` : `${scheme}${redactLogins(`${rest}@`)}`,
    )
    .replace(BARE_LOGIN, (_, before: string, login: string) => `${before}${hideLogin(login)}@`);
}

function schemeOf(url: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.exec(url)?.[0] ?? '';
}

/**
 * Whether a URL without its scheme begins with a login. Passwords hold unescaped `@`, `/`, `?` and `#` in practice: then what would be its host has
 * no proper port. Scoped packages (`npm.example:8081/@scope/name`) have an `@` and no login.
 */
function mayHoldLogin(rest: string): boolean {
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? '';
  return authority.includes('@') || /:(?!\d*$)/.test(authority.replace(/^\[[^\]]*\]/, ''));
}

function hideLogin(login: string): string {
  if (NO_SECRET.test(login)) return login;
  const colon = login.indexOf(':');
  return colon < 0 ? HIDDEN : `${login.slice(0, colon)}:${HIDDEN}`;
}

function hideQuery(text: string): string {
  return text.replace(TELLING_QUERY, `$1${HIDDEN}`);
}
