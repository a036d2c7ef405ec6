// Judges where the data is fetched from, before git sees it: no option, no helper program, no secret may hide in a URL or a branch.
import { isAbsolute, resolve } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';

/** A remote that git may be given. */
export interface GitRemote {
  /** What stands in the mirror's configuration. */
  url: string;
  /** The one protocol git is allowed to speak. */
  protocol: 'https' | 'http' | 'ssh' | 'file';
  /** Absolute path, when the repository is on this machine. */
  localPath?: string;
}

const URL_LENGTH_MAX = 2048;
const BRANCH_LENGTH_MAX = 200;
const LOOPBACK = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;
const SCP_FORM = /^[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:(?!:)[^-]/;
const SAFE_HOST = /^(\[[0-9a-f:]+\]|[a-z0-9][a-z0-9.-]*)$/i;

/**
 * Accepts `https://`, `ssh://`, `user@host:path`, `file://`, a local path, and `http://` to this machine.
 * @throws KokoaError remote_refused
 */
export function parseRemote(url: string): GitRemote {
  if (url === '' || url.length > URL_LENGTH_MAX) throw refused(url, 'a URL of 1 to 2048 characters is expected');
  if (/[\x00-\x20\x7f]/.test(url)) throw refused(url, 'it holds white space or a control character');
  if (/^[A-Za-z][\w+.-]*::/.test(url)) throw refused(url, 'remote helpers are not allowed');
  if (/^[A-Za-z][\w+.-]*:\/\//.test(url)) return parseUrl(url);
  if (SCP_FORM.test(url)) return { url, protocol: 'ssh' };
  if (url.includes(':') && !isAbsolute(url) && !url.startsWith('.')) throw refused(url, 'the form is not known');
  const localPath = resolve(url);
  return { url: localPath, protocol: 'file', localPath };
}

/** The rules of `git check-ref-format`, without anything an option could start with. @throws KokoaError branch_refused */
export function judgeBranch(branch: string): string {
  const wellFormed =
    branch.length > 0 &&
    branch.length <= BRANCH_LENGTH_MAX &&
    !/[\x00-\x20\x7f~^:?*[\\]|\.\.|\/\/|@\{|^[-/.]|\/\.|[/.]$|\.lock(\/|$)/.test(branch) &&
    branch !== '@';
  if (wellFormed) return branch;
  throw new KokoaError('branch_refused', `${JSON.stringify(branch.slice(0, BRANCH_LENGTH_MAX))} is no branch name`, {
    hint: 'Give the short name of a branch, such as main.',
  });
}

function parseUrl(url: string): GitRemote {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw refused(url, 'it is no URL');
  }
  if (parsed.password !== '' || (parsed.protocol.startsWith('http') && parsed.username !== ''))
    throw refused(
      `${parsed.protocol}//${parsed.host}`,
      'it holds a password or token',
      'Put the credential in a file.',
    );
  if (parsed.protocol === 'file:' && parsed.host === '') {
    const localPath = resolve(decodeURIComponent(parsed.pathname));
    return { url: localPath, protocol: 'file', localPath };
  }
  if (!SAFE_HOST.test(parsed.hostname) || parsed.username.startsWith('-')) throw refused(url, 'its host is not usable');
  if (parsed.protocol === 'https:') return { url, protocol: 'https' };
  if (parsed.protocol === 'ssh:') return { url, protocol: 'ssh' };
  if (parsed.protocol === 'http:' && LOOPBACK.test(parsed.hostname)) return { url, protocol: 'http' };
  throw refused(
    url,
    parsed.protocol === 'http:'
      ? 'plain http would let anybody on the way change the data'
      : 'the protocol is not allowed',
  );
}

function refused(url: string, why: string, hint?: string): KokoaError {
  const shown = JSON.stringify(url.slice(0, 200));
  return new KokoaError('remote_refused', `the repository ${shown} is refused: ${why}`, {
    hint: hint ?? 'Use https://…, ssh://…, user@host:path or a local path.',
  });
}
