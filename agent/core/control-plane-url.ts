// Where the control plane may be. Law: a token is sent over TLS, or to this machine itself, and nowhere else.
import ipaddr from 'ipaddr.js';
import { KokoaError } from '../../bundle/error.ts';

const URL_CHARACTERS_MAX = 2048;

/** @throws KokoaError bad_control_plane_url for anything but `https://host[:port][/path]`, or `http://` on loopback */
export function parseControlPlaneUrl(text: string): URL {
  const url = text.length <= URL_CHARACTERS_MAX && URL.canParse(text) ? new URL(text) : undefined;
  if (!url) throw bad('it is no URL');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw bad(`it begins with ${url.protocol.slice(0, 20)}`);
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) throw bad('plain http is for loopback only');
  if (url.username !== '' || url.password !== '') throw bad('it holds a user name or a password');
  if (url.search !== '' || url.hash !== '') throw bad('it holds a query or a fragment');
  return url;
}

function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost') return true;
  const address = hostname.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(address) && ipaddr.parse(address).range() === 'loopback';
}

function bad(reason: string): KokoaError {
  return new KokoaError('bad_control_plane_url', `cannot use this control plane address: ${reason}`, {
    hint: 'write https://control.example.com:8443',
  });
}
