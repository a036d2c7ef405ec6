// What `kokoa doctor` looks at on the machine of the reconciler. Law: it reads and asks; nothing is made, written or taken.
import { resolve } from 'node:path';
import { type Finding, ok } from '../../checks/finding.ts';
import type { Probe } from '../../checks/run-probes.ts';
import { askGit } from '../adapters/doctor-git.ts';
import { isInstalled, readStore, readTls } from '../adapters/doctor-machine.ts';
import { parseRemote } from '../adapters/git-remote.ts';
import { loadKeys } from '../adapters/key-files.ts';
import { hasReconciler } from '../adapters/store-database.ts';
import { judgeKeys, judgeNodes, judgeStore, judgeTls } from '../core/doctor-reconciler.ts';
import { isServed, slotsOf } from '../core/slots.ts';
import { isLoopback } from '../http/loopback.ts';
import { onlineProbe } from './doctor-online.ts';
import { placesOf } from './doctor-options.ts';
import { type DoctorWorld, textIn } from './doctor-world.ts';

export function machineProbes(world: DoctorWorld): Probe[] {
  const { options } = world;
  return [
    onlineProbe(world),
    keysProbe(world),
    ...(options.tlsCert && options.tlsKey ? [tlsProbe(world, options.tlsCert, options.tlsKey)] : []),
    repositoryProbe(world),
    storeProbe(world),
    { what: 'programs', look: async () => programs(world) },
  ];
}

function keysProbe({ options, now }: DoctorWorld): Probe {
  return {
    what: 'the signing keys',
    async look() {
      const host = options.listen.slice(0, options.listen.lastIndexOf(':')).replace(/^\[|\]$/g, '');
      return judgeKeys(
        await loadKeys(placesOf(options).keysDir),
        options.behindProxy === true || !isLoopback(host),
        now(),
      );
    },
  };
}

function tlsProbe({ desired, now }: DoctorWorld, cert: string, key: string): Probe {
  return {
    what: 'the certificate of the API',
    async look() {
      const urls = desired?.kokoa?.value?.controlPlane.urls ?? [];
      const hosts = [...new Set(urls.flatMap((url) => URL.parse(url)?.hostname.replace(/^\[|\]$/g, '') ?? []))];
      return judgeTls(await readTls(resolve(cert), resolve(key), hosts), now());
    },
  };
}

function repositoryProbe({ options, branch, desired }: DoctorWorld): Probe {
  const what = 'the repository';
  return {
    what,
    async look(signal) {
      const remote = parseRemote(options.repository);
      const unread: Finding[] =
        desired?.kokoa?.value === undefined
          ? [
              {
                level: 'trouble',
                what: 'the data',
                found: `there is no kokoa.yaml without errors on ${branch}, as far as it was fetched`,
                todo: 'kokoa validate in a clone; a new reconciler must have fetched once',
              },
            ]
          : [];
      if (remote.localPath !== undefined) return [...unread, ok(what, `on this machine, branch ${branch}`)];
      const authorization = (await textIn(options.gitAuthorizationFile))?.trim();
      const answer = await askGit(
        {
          remote,
          branch,
          ...(options.gitCa && { caFile: resolve(options.gitCa) }),
          ...(authorization && { authorization }),
        },
        signal,
      );
      const webhook = await webhookFinding(options.webhookSecretFile);
      if ('failed' in answer)
        return [
          ...unread,
          ...webhook,
          {
            level: 'trouble',
            what,
            found: answer.failed,
            expected: `the branch ${branch}`,
            todo: 'compare --repository, --git-authorization-file, --git-ca and the firewall with docs/operate.md',
          },
        ];
      return [...unread, ...webhook, ok(what, `${branch} is at ${answer.commit.slice(0, 12)}`)];
    },
  };
}

async function webhookFinding(file: string | undefined): Promise<Finding[]> {
  const what = 'the webhook';
  if (file === undefined)
    return [
      {
        level: 'warning',
        what,
        found: 'no --webhook-secret-file: commits are found by polling alone',
        expected: 'a secret',
        todo: 'docs/operate.md says how; without it a merge waits up to --poll-seconds',
      },
    ];
  const secret = (await textIn(file))?.trim() ?? '';
  return secret === ''
    ? [{ level: 'trouble', what, found: `${file} is empty`, todo: 'put the secret of the webhook there' }]
    : [];
}

function storeProbe({ options, desired, version, now }: DoctorWorld): Probe {
  return {
    what: 'the store',
    async look() {
      const { storeDir } = placesOf(options);
      const { reports, ...sizes } = await readStore(storeDir);
      const known = new Map(reports.map((one) => [one.node, one]));
      const served = desired ? slotsOf(desired).filter(isServed) : [];
      const nodes = served.map(
        ({ node }) => known.get(node) ?? { node, lastSeenMs: undefined, agentVersion: undefined },
      );
      return [judgeStore(sizes), ...judgeNodes(nodes, version, hasReconciler(storeDir), now())];
    },
  };
}

function programs({ desired }: DoctorWorld): Finding[] {
  const hasUpdates = desired?.kokoa?.value?.zones?.some(({ provider }) => provider === 'rfc2136') ?? false;
  const needed = [
    ['git', 'git'],
    ...(hasUpdates
      ? [
          ['nsupdate', 'bind9-dnsutils'],
          ['dig', 'bind9-dnsutils'],
        ]
      : []),
  ];
  const missing = needed.filter(([program]) => !isInstalled(program!));
  if (missing.length === 0) return [ok('programs', needed.map(([program]) => program).join(', '))];
  return missing.map(([program, source]) => ({
    ...{
      level: 'trouble',
      what: `the program ${program}`,
      found: 'it is not installed',
      todo: `apt-get install ${source}`,
    },
  }));
}
