// URLs to which messages are posted. Law: messages cross no network in the open; plain http leads to this machine alone.
const URL_CHARACTERS_MAX = 2_000;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Undefined for anything but https, or http to loopback; also with a user, a password or a fragment in it. */
export function targetUrl(text: string): URL | undefined {
  // What is left out by the parser, such as line feeds, must not be there.
  if (text.length > URL_CHARACTERS_MAX || !/^[\x21-\x7e]+$/.test(text)) return undefined;
  const url = URL.parse(text);
  if (url === null || url.username + url.password + url.hash !== '') return undefined;
  const isFine = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
  return isFine ? url : undefined;
}

function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}
