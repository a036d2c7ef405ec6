// One node's parts, put together: what convergence may touch, and what it announces. Adapters come in as ports.
import { canonicalJson, sha256Hex } from '../bundle/canonical.ts';
import type { EdgeConfig } from '../bundle/config.ts';
import type { Machine } from './converge.ts';
import { type NginxSettings, renderNginx, type Templates } from './core/render-nginx.ts';
import { type Eyes, look } from './look.ts';
import type { Network } from './network.ts';
import type { Releases, TrustedState, VerifiedBundle } from './ports/state.ts';
import type { WebServer } from './ports/web-server.ts';

const RELEASE_ID_CHARACTERS = 32;

export interface EdgeParts {
  web: WebServer;
  releases: Releases;
  templates: Templates;
  settings: Omit<NginxSettings, 'releaseId'>;
}

export interface MachineParts {
  trusted: TrustedState;
  /** Absent where origins are reached without a tunnel. */
  network: Network | undefined;
  /** Absent on origins. */
  edge: EdgeParts | undefined;
  eyes: Eyes;
  /** The network of the tunnels may be on loopback: a fleet on one machine. */
  allowLoopback: boolean;
  now(): number;
}

export function createMachine({ trusted, network, edge, eyes, allowLoopback, now }: MachineParts): Machine {
  return {
    trusted,
    network: {
      apply: async (config) => (await network?.apply(config)) ?? [],
      restoreFilter: async () => (await network?.restoreFilter()) ?? false,
    },
    ...(edge && {
      edge: { web: edge.web, releases: edge.releases, render: (config: EdgeConfig, bundle: VerifiedBundle) => render(config, bundle, edge) },
    }),
    guard: { allowLoopback },
    probe: (bundle) => look(bundle, eyes),
    now,
  };
}

/** The id names everything the tree depends on, so the same tree is written once and a changed agent writes a new one. */
async function render(config: EdgeConfig, { configHash, chunks }: VerifiedBundle, { web, templates, settings }: EdgeParts) {
  const features = await web.features();
  const dependsOn = canonicalJson({ configHash, features, settings, templates });
  const id = sha256Hex(dependsOn).slice(0, RELEASE_ID_CHARACTERS);
  return { id, files: renderNginx({ config, chunks, features, templates, settings: { ...settings, releaseId: id } }) };
}
