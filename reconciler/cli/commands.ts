// The commands, by the word each begins with. Law: a command loads its own part of the program and nothing else, because all of it together
// takes longer to load than most commands take to run.
import type { Command } from 'commander';

type Register = (program: Command) => void;

/** In the order of the help text. */
export const COMMANDS: readonly [words: readonly string[], load: () => Promise<Register>][] = [
  [['validate'], async () => (await import('./validate.ts')).registerValidate],
  [['explain'], async () => (await import('./explain.ts')).registerExplain],
  [['fmt'], async () => (await import('./fmt.ts')).registerFmt],
  [['plan'], async () => (await import('./plan.ts')).registerPlan],
  [['compile'], async () => (await import('./compile.ts')).registerCompile],
  [['codeowners'], async () => (await import('./codeowners.ts')).registerCodeowners],
  [['init'], async () => (await import('./init.ts')).registerInit],
  [['route', 'origin', 'edge'], async () => (await import('./add.ts')).registerAdd],
  [['request'], async () => (await import('./request.ts')).registerRequest],
  [['rollback'], async () => (await import('./rollback.ts')).registerRollback],
  [['github'], async () => (await import('./github-setup.ts')).registerGithub],
  [['keys'], async () => (await import('./keys.ts')).registerKeys],
  [['seal'], async () => (await import('./seal.ts')).registerSeal],
  [['token'], async () => (await import('./token.ts')).registerToken],
  [['certs'], async () => (await import('./certs.ts')).registerCerts],
  [['dns'], async () => (await import('./dns.ts')).registerDns],
  [['get'], async () => (await import('./get.ts')).registerGet],
  [['status'], async () => (await import('./status.ts')).registerStatus],
  [['doctor'], async () => (await import('./doctor.ts')).registerDoctor],
  [['notify'], async () => (await import('./notify.ts')).registerNotify],
  [['serve'], async () => (await import('./serve.ts')).registerServe],
  [
    ['suspend', 'resume', 'revoke', 'restrictions'],
    async () => (await import('./restriction.ts')).registerRestrictions,
  ],
];

/** Adds the one command that `word` asks for; all of them when it is none, such as `help` or a mistyped one. */
export async function registerCommands(program: Command, word: string | undefined): Promise<void> {
  const wanted = COMMANDS.filter(([words]) => word !== undefined && words.includes(word));
  const loads = (wanted.length > 0 ? wanted : COMMANDS).map(([, load]) => load());
  for (const register of await Promise.all(loads)) register(program);
}
