// kokoa: the operator's and the team's command line, and the reconciler itself.
import { Command } from 'commander';
import { KokoaError } from '../bundle/error.ts';
import { registerCommands } from './cli/commands.ts';
import { explainUsage } from './cli/usage.ts';

const program = new Command('kokoa')
  .description('puts hostnames on the internet from git')
  .version('0.1.0')
  .showHelpAfterError('(kokoa --help lists the commands)')
  // Commands inherit it: what commander finds wrong with the arguments is wrong usage.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

await registerCommands(program, process.argv[2]);
explainUsage(program);

/** Exit codes: 1 for a failure, 2 for wrong usage. */
await program.parseAsync().catch(async (error: unknown) => {
  console.error((await import('./cli/failure.ts')).shownFailure(error));
  process.exitCode = error instanceof KokoaError && error.code === 'usage' ? 2 : 1;
});
