// `npm run test:slow -- tests`: the test files that take minutes, by vitest; options are its own.
import { execa } from 'execa';

/** True: all held. */
export async function slowTests(options: readonly string[]): Promise<boolean> {
  const args = ['run', '--config', 'vitest.slow.config.ts', ...options];
  const { exitCode } = await execa('vitest', args, { preferLocal: true, stdio: 'inherit', reject: false });
  return exitCode === 0;
}
