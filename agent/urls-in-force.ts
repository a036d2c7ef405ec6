// Where the control plane may be: what `join` was told, and what the applied configuration says. Law: what was told at join is
// never forgotten, and a URL that a token must not go to is never used.
import { parseControlPlaneUrl } from './core/control-plane-url.ts';

const URLS_MAX = 8;

export interface UrlsInForce {
  all(): readonly string[];
  learn(urls: readonly string[]): void;
}

export function createUrlsInForce(told: readonly string[]): UrlsInForce {
  let urls = told;
  return {
    all: () => urls,
    learn(more) {
      urls = [...new Set([...told, ...more.filter(isUsable)])].slice(0, URLS_MAX);
    },
  };
}

function isUsable(url: string): boolean {
  try {
    parseControlPlaneUrl(url);
    return true;
  } catch {
    return false;
  }
}
