// The wiring of a node that has not joined yet: what it was told is in memory, its keys and what it trusts are in the state directory.
import type { Enrolment } from '../bundle/api.ts';
import { createControlPlane } from './adapters/control-plane.ts';
import { askFirstRoot } from './adapters/control-plane-root.ts';
import { localAddresses } from './adapters/local-address.ts';
import type { NodeKeys } from './adapters/node-keys.ts';
import { type Acceptable, trustedDir } from './adapters/trusted-dir.ts';
import { announcementOf } from './announcement.ts';
import type { Joining } from './join.ts';
import type { ControlPlane } from './ports/control-plane.ts';
import type { Settings } from './ports/settings.ts';
import { withSignedReports } from './signed-reports.ts';

export interface JoiningNode {
  stateDir: string;
  settings: Settings;
  token: string;
  /** PEM of the only CAs to trust for the control plane; absent: the system's. */
  ca: string | undefined;
  keys: NodeKeys;
}

type Wired = Pick<Joining, 'firstRoot' | 'trusted' | 'enrolment' | 'fingerprint'> & {
  control: ControlPlane;
  /** The bundle that ended the join: accepted when the join is decided, and not before. */
  firstBundle(): Acceptable;
};

/** Touches nothing yet. @throws KokoaError bad_ca, bad_control_plane_url */
export async function openJoining({ stateDir, settings, token, ca, keys }: JoiningNode): Promise<Wired> {
  const { node, fingerprint, urls } = settings;
  const channel = createControlPlane({ urls: () => urls, token: async () => token, ca });
  const state = trustedDir({ directory: stateDir, node, fingerprint });
  let first: Acceptable | undefined;
  const accept: Joining['trusted']['accept'] = async (bundle, nowMs) => {
    const judged = await state.judge(bundle, nowMs);
    if (judged.kind === 'refused') return judged;
    first = judged;
    return { kind: 'accepted', verified: judged.verified };
  };
  return {
    fingerprint,
    control: withSignedReports(channel, { node, signingKey: keys.signingKey, now: Date.now }),
    firstRoot: (signal) => askFirstRoot(urls[0]!, ca, signal),
    trusted: { rootVersion: state.rootVersion, accept },
    firstBundle: () => first!,
    enrolment: announcementOf(keys, settings, await addressOf(settings)),
  };
}

/** As the running node will find it. */
async function addressOf({ address, urls }: Settings): Promise<Enrolment['address']> {
  return address ?? localAddresses({ controlPlane: urls.map((url) => new URL(url).hostname) }).catch(() => ({}));
}
