// `kokoa edge add|token`, `kokoa origin add|token`, `kokoa route add`: write the files of a pull request. A token goes to stdout,
// once and alone, so that it can be piped into `kokoa-agent join`; everything said to a person goes to stderr.
import type { Command } from 'commander';
import { addEdge, addOrigin, type EdgeOptions, type OriginOptions, renewToken, type TokenOptions } from './add-node.ts';
import { addRoute, type RouteOptions } from './add-route.ts';
import { DATA_TOP_HELP } from './data-top.ts';

const TOKEN_HELP = `
The token is printed on stdout, once; its sha256 goes into the file.
Exit code: 0 written, 1 it would not validate (nothing is written), 2 usage.`;

/** Adds the commands `edge`, `origin` and `route`. @throws KokoaError usage, kokoa_missing, file_exists, name_unknown */
export function registerAdd(program: Command): void {
  const edge = program.command('edge').description('the public machines that terminate TLS');
  withCommonOptions(edge.command('add'))
    .description('write edges/NAME.yaml and print the token of the machine')
    .argument('<name>', 'what the machine is called: lower-case letters, digits, dashes')
    .option('--address <ip>', 'its public address; twice for IPv4 and IPv6', collect)
    .option('--wireguard-address <ip>', 'its tunnel address; default: the next free one, from .0.1 on')
    .option('--pool <pool>', 'the pool it serves; default: the first in kokoa.yaml')
    .addHelpText('after', TOKEN_HELP)
    .action((name: string, options: EdgeOptions) => finish(addEdge(name, options)));
  addTokenCommand(edge, 'edge');

  const origin = program.command('origin').description('the private machines that run services');
  withCommonOptions(origin.command('add'))
    .description('write origins/NAME.yaml and print the token of the machine')
    .argument('<name>', 'what the machine is called: lower-case letters, digits, dashes')
    .requiredOption('--team <team>', 'a team whose routes may point here; may be repeated', collect)
    .option('--wireguard-address <ip>', 'its tunnel address; default: the next free one, from .1.1 on')
    .addHelpText('after', TOKEN_HELP)
    .action((name: string, options: OriginOptions) => finish(addOrigin(name, options)));
  addTokenCommand(origin, 'origin');

  program
    .command('route')
    .description('the hostnames')
    .command('add')
    .description('write routes/TEAM/HOST.yaml')
    .argument('<host>', 'the hostname, or *.NAME for every name one label below')
    .requiredOption('--origin <origin>', 'the machine that runs the service')
    .requiredOption('--port <port>', 'the TCP port of the service')
    .option('--host <address>', 'a LAN address behind that machine, or 127.0.0.1; default: the machine itself')
    .option('--team <team>', 'the team that asks; default: the only one that is granted the name')
    .option('--dir <dir>', DATA_TOP_HELP)
    .action((host: string, options: RouteOptions) => finish(addRoute(host, options)));
}

function addTokenCommand(parent: Command, role: 'edge' | 'origin'): void {
  withCommonOptions(parent.command('token'))
    .description(`give ${role} NAME a new token and raise its generation: the old token ends with the merge`)
    .argument('<name>')
    .addHelpText('after', TOKEN_HELP)
    .action((name: string, options: TokenOptions) => finish(renewToken(role, name, options)));
}

function withCommonOptions(command: Command): Command {
  return command
    .option('--dir <dir>', DATA_TOP_HELP)
    .option('--keys <dir>', 'the keys of the reconciler, to print their fingerprint');
}

async function finish(written: Promise<boolean>): Promise<void> {
  if (!(await written)) process.exitCode = 1;
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
