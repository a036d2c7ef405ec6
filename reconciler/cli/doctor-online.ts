// What `kokoa doctor` asks over HTTPS: git server, CA and control plane; whose clocks are compared, and where the control plane's names lead.
import { type Finding, ok } from '../../checks/finding.ts';
import { judgeClock, judgeSeen } from '../../checks/judge-seen.ts';
import { lookAtUrl, type Seen } from '../../checks/look-at-url.ts';
import type { Probe } from '../../checks/run-probes.ts';
import { whereIs } from '../adapters/doctor-machine.ts';
import { parseRemote } from '../adapters/git-remote.ts';
import { type DoctorWorld, textIn } from './doctor-world.ts';

const URLS_MAX = 8;

/** Git server, CA and control plane, and the clock by what they say. */
export function onlineProbe({ options, desired, now }: DoctorWorld): Probe {
  return {
    what: 'the control plane',
    async look(signal) {
      const kokoa = desired?.kokoa?.value;
      const remote = parseRemote(options.repository);
      const urls = (kokoa?.controlPlane.urls ?? []).slice(0, URLS_MAX);
      const [gitCa, ownChain] = await Promise.all([textIn(options.gitCa), textIn(options.tlsCert)]);
      const look = async (url: string, ca?: string): Promise<{ url: string; seen: Seen }> => ({
        ...{ url, seen: await lookAtUrl(url, { ...(ca !== undefined && { ca }), signal }) },
      });
      // One of a CA of one's own: nodes are told it by --ca.
      const plane = async (base: string) => {
        const url = `${base.replace(/\/$/, '')}/healthz`;
        const usual = await look(url);
        return usual.seen.kind === 'answer' || ownChain === undefined ? usual : look(url, ownChain);
      };
      const cas = kokoa ? [kokoa.acme.server, ...(kokoa.acme.fallback ? [kokoa.acme.fallback.server] : [])] : [];
      const isHttps = remote.protocol === 'https';
      const [git, authorities, planes] = await Promise.all([
        Promise.all(isHttps ? [look(remote.url, gitCa)] : []),
        Promise.all(cas.map((url) => look(url))),
        Promise.all(urls.map(plane)),
      ]);
      const places = await Promise.all(urls.map(whereFinding));
      return [
        judgeClock([...git, ...authorities]),
        ...planes.map((one) =>
          judgeSeen({ ...one, what: 'the control plane', level: 'trouble', todo: REACH_PLANE }, now()),
        ),
        ...places,
        ...authorities.map((one) => judgeSeen({ ...one, what: 'the CA', level: 'warning', todo: REACH_CA }, now())),
      ];
    },
  };
}

const REACH_PLANE = 'see that kokoa serve runs, its --listen, and firewalls; agents reach it by these URLs alone';
const REACH_CA = 'let TCP 443 out of here, or correct acme in kokoa.yaml; edges order from there too';

async function whereFinding(url: string): Promise<Finding> {
  const host = URL.parse(url)?.hostname.replace(/^\[|\]$/g, '') ?? '';
  const [what, found] = [`the name ${host}`, await whereIs(host)];
  if (found === undefined)
    return {
      level: 'trouble',
      what,
      found: 'it leads nowhere',
      expected: 'an address',
      todo: 'set its records, or correct controlPlane.urls',
    };
  return ok(
    what,
    `${found.addresses.join(', ')}, ${found.isHere ? 'this machine' : 'not an address of this machine: NAT, or a proxy in front'}`,
  );
}
