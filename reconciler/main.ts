// kokoa: the operator's and the team's command line, and the reconciler itself.
import { Command } from 'commander';
import { failureText, KokoaError } from '../bundle/error.ts';
import { registerAdd } from './cli/add.ts';
import { registerCompile } from './cli/compile.ts';
import { registerExplain } from './cli/explain.ts';
import { registerFmt } from './cli/fmt.ts';
import { registerKeys } from './cli/keys.ts';
import { registerPlan } from './cli/plan.ts';
import { registerSeal } from './cli/seal.ts';
import { registerServe } from './cli/serve.ts';
import { explainUsage } from './cli/usage.ts';
import { registerValidate } from './cli/validate.ts';

const program = new Command('kokoa')
  .description('puts hostnames on the internet from git')
  .version('0.1.0')
  .showHelpAfterError('(kokoa --help lists the commands)')
  // Commands inherit it: what commander finds wrong with the arguments is wrong usage.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

registerValidate(program);
registerExplain(program);
registerFmt(program);
registerPlan(program);
registerCompile(program);
registerAdd(program);
registerKeys(program);
registerSeal(program);
registerServe(program);
explainUsage(program);

/** Exit codes: 1 for a failure, 2 for wrong usage. */
await program.parseAsync().catch((error: unknown) => {
  console.error(failureText(error));
  process.exitCode = error instanceof KokoaError && error.code === 'usage' ? 2 : 1;
});
