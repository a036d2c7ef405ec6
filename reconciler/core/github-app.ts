// The GitHub App of a fleet, as a manifest that GitHub makes it from. Law: it asks for what the reconciler does and for nothing else.
// https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
import { KokoaError } from '../../bundle/error.ts';
import { shown } from './shown.ts';

export interface AppManifest {
  name: string;
  url: string;
  description: string;
  hook_attributes: { url: string; active: boolean };
  redirect_url: string;
  public: boolean;
  default_permissions: Readonly<Record<string, 'read' | 'write'>>;
  default_events: readonly string[];
}

/** Nobody listens there: the browser shows an error page, and the code in its address bar is for a person to copy. */
export const REDIRECT_URL = 'http://localhost:8976/kokoa-github-app';
const NAME_CHARS_MAX = 34;
/** An account of GitHub. */
const ORGANIZATION = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?$/;
/** What stands in the address that GitHub leads to, or alone. It is good once and for an hour. */
const CODE = /^[A-Za-z0-9_-]{8,200}$/;

/** `controlPlane`: where GitHub reaches the reconciler. @throws KokoaError usage */
export function appManifest(controlPlane: string): AppManifest {
  const url = URL.parse(controlPlane);
  const isFine =
    url?.protocol === 'https:' && url.pathname === '/' && url.username + url.password + url.search + url.hash === '';
  if (url === null || !isFine)
    throw new KokoaError('usage', `--url: found ${shown(controlPlane)}, expected https://HOST or https://HOST:PORT`, {
      hint: 'It is where GitHub reaches the reconciler, such as https://control.example.com:8443.',
    });
  return {
    // Names are unique on GitHub, and whoever registers it may change this one.
    name: `Kokoa ${url.hostname}`.slice(0, NAME_CHARS_MAX).trim(),
    url: url.origin,
    description: 'Says what a pull request will do, and when it is live.',
    hook_attributes: { url: `${url.origin}/webhooks/github`, active: true },
    redirect_url: REDIRECT_URL,
    public: false,
    default_permissions: {
      checks: 'write',
      contents: 'write',
      deployments: 'write',
      metadata: 'read',
      pull_requests: 'write',
      statuses: 'write',
    },
    default_events: ['push', 'pull_request'],
  };
}

/** A page with one button, which posts the manifest to GitHub. @throws KokoaError usage */
export function appPage(manifest: AppManifest, organization: string | undefined): string {
  if (organization !== undefined && !ORGANIZATION.test(organization))
    throw new KokoaError('usage', `--organization: found ${shown(organization)}, expected the name of an organization`);
  const place = organization === undefined ? 'settings' : `organizations/${organization}/settings`;
  return [
    '<!doctype html>',
    '<meta charset="utf-8">',
    '<title>Kokoa: make the GitHub App</title>',
    `<form action="https://github.com/${place}/apps/new" method="post">`,
    `<input type="hidden" name="manifest" value="${escaped(JSON.stringify(manifest))}">`,
    `<p>Makes the App of ${escaped(manifest.url)} ${organization === undefined ? 'in your account' : `in ${organization}`}.</p>`,
    '<button>Go on to GitHub</button>',
    '</form>',
    '',
  ].join('\n');
}

/** The code in what a person pastes: the address of the page, or the code. @throws KokoaError usage, which does not repeat it */
export function codeIn(pasted: string): string {
  const text = pasted.trim();
  const code = URL.parse(text)?.searchParams.get('code') ?? text;
  if (CODE.test(code)) return code;
  throw new KokoaError('usage', 'found no code, expected the address that GitHub led to, with code= in it', {
    hint: 'It is good once and for an hour: press the button of the page again for another.',
  });
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
