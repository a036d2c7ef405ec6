// `kokoa doctor`: the usual mistakes on the machine of the reconciler, and what to do about each. It reads, asks, and changes nothing.
import { type Command, Option } from 'commander';
import { type Finding, findingsText, hasTrouble, worstFirst } from '../../checks/finding.ts';
import { runProbes } from '../../checks/run-probes.ts';
import { createPublicResolver } from '../adapters/dns-public.ts';
import { parseRemote } from '../adapters/git-remote.ts';
import { readRevision } from '../adapters/revision.ts';
import { type Desired, emptyDesired } from '../core/desired.ts';
import type { PublicResolver } from '../ports/public-resolver.ts';
import { type DoctorOptions, placesOf } from './doctor-options.ts';
import { machineProbes } from './doctor-probes.ts';
import { zoneProbes } from './doctor-zones.ts';
import { followedBranch } from './followed-branch.ts';
import { judgeData } from './judgement.ts';
import { desiredOn } from './plan-sides.ts';

const HELP = `
Give it what kokoa serve is given, of these: the defaults are the same. It may
run beside a reconciler, as its user. Exit code: 0, or 1 for trouble.`;

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('find the usual mistakes on the machine of the reconciler')
    .option('--repository <url>', 'as of kokoa serve', '.')
    .option('--branch <name>', 'as of kokoa serve')
    .option('--data <dir>', 'as of kokoa serve', '.kokoa')
    .option('--keys <dir>', 'as of kokoa serve (default: those in --data)')
    .option('--listen <host:port>', 'as of kokoa serve', '127.0.0.1:8443')
    .option('--tls-cert <file>', 'as of kokoa serve')
    .option('--tls-key <file>', 'as of kokoa serve')
    .option('--behind-proxy', 'as of kokoa serve')
    .option('--webhook-secret-file <file>', 'as of kokoa serve')
    .option('--secrets <dir>', 'as of kokoa serve')
    .option('--dns-programs <dir>', 'as of kokoa serve')
    .option('--git-ca <file>', 'as of kokoa serve')
    .option('--git-authorization-file <file>', 'as of kokoa serve')
    .addOption(new Option('-o, --output <format>', 'how to say it').choices(['text', 'json']).default('text'))
    .addHelpText('after', HELP)
    .action(async ({ output, ...options }: DoctorOptions & { output: string }) => {
      const findings = await doctor(options, {
        resolver: createPublicResolver(),
        version: program.version() ?? '0.0.0',
      });
      console.log(output === 'json' ? JSON.stringify(worstFirst(findings), undefined, 2) : findingsText(findings));
      if (hasTrouble(findings)) process.exitCode = 1;
    });
}

/** @throws KokoaError remote_refused, not_a_repository */
export async function doctor(
  options: DoctorOptions,
  parts: { resolver: PublicResolver; version: string },
): Promise<Finding[]> {
  const { branch } = await followedBranch(options.repository, options.branch);
  const desired = await readDesired(options, branch);
  const world = { options, branch, desired, version: parts.version, now: Date.now };
  const zones = desired === undefined ? [] : zoneProbes(desired, options, parts.resolver);
  return runProbes([...machineProbes(world), ...zones]);
}

/** As the running reconciler fetched it last, or as a repository on this machine has it. */
async function readDesired(options: DoctorOptions, branch: string): Promise<Desired | undefined> {
  const { localPath } = parseRemote(options.repository);
  const read = readRevision(localPath ?? placesOf(options).mirrorDir, `refs/heads/${branch}`);
  const found = await read.catch(() => undefined);
  return found && desiredOn(emptyDesired(), judgeData(found, new Date()).loaded);
}
