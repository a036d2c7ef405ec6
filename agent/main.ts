// kokoa-agent: reads the command line, builds the adapters, and hands over. The only place of this half that does either.
import { Command } from 'commander';
import { STATE_DIR } from './cli/agent-command.ts';
import { registerApprove } from './cli/approve.ts';
import { registerCerts } from './cli/certs.ts';
import { registerDoctor } from './cli/doctor.ts';
import { shownFailure } from './cli/failure.ts';
import { registerJoin } from './cli/join.ts';
import { registerLeave } from './cli/leave.ts';
import { registerPreflight } from './cli/preflight.ts';
import { registerRotateKey } from './cli/rotate-key.ts';
import { registerRun } from './cli/run.ts';
import { registerStatus } from './cli/status.ts';
import { AGENT_VERSION } from './version.ts';

const program = new Command('kokoa-agent')
  .description(
    'makes this machine what git says it is: an edge (nginx, certificates, tunnel) or an origin (tunnel, packet filter)',
  )
  .version(AGENT_VERSION)
  .option('--state <dir>', 'where this node keeps its keys and what it trusts', process.env.KOKOA_STATE ?? STATE_DIR)
  // The longest name leaves less room than what is wrapped otherwise.
  .configureHelp({ minWidthToWrap: 30 })
  .showHelpAfterError('(kokoa-agent --help lists the commands)');

registerPreflight(program);
registerJoin(program);
registerRun(program);
registerStatus(program);
registerDoctor(program);
registerRotateKey(program);
registerCerts(program);
registerApprove(program);
registerLeave(program);
for (const command of [...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
  const words = command.parent === program ? command.name() : `${command.parent?.name()} ${command.name()}`;
  command.showHelpAfterError(`(kokoa-agent ${words} --help explains it)`);
}

await program.parseAsync().catch((error: unknown) => {
  console.error(shownFailure(error));
  process.exitCode = 1;
});
