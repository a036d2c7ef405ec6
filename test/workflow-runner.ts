// Runs the shell lines of a composite action as GitHub's runner does: one bash per step, inputs in the environment, the summary in a file.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { parse } from 'yaml';
import type { Step, Workflow } from './workflow-rules.ts';

export interface ActionRun {
  exitCode: number;
  /** All steps, in order. */
  stdout: string;
  stderr: string;
  summary: string;
}

export interface ActionPlace {
  /** The file that holds the action. */
  action: string;
  /** Where the action's code is. */
  actionPath: string;
  workspace: string;
  inputs?: Readonly<Record<string, string>>;
  /** What else GitHub sets. */
  environment?: Readonly<Record<string, string>>;
  /** What stands for an expression, such as `github.token`. */
  expressions?: Readonly<Record<string, string>>;
  /** Names of steps that are left out: what they would do is there already. */
  without: readonly string[];
}

export async function runAction(place: ActionPlace): Promise<ActionRun> {
  const { action, actionPath, workspace, inputs = {}, expressions = {}, without } = place;
  const { runs, inputs: declared = {} } = parse(readFileSync(action, 'utf8')) as Workflow;
  const given = (name: string) => inputs[name] ?? declared[name]?.default ?? '';
  const value = (expression: string) =>
    expression.startsWith('inputs.') ? given(expression.slice('inputs.'.length)) : expressions[expression];
  const temporary = mkdtempSync(join(workspace, '..', 'runner-'));
  const summaryFile = join(temporary, 'summary.md');
  const environment = {
    PATH: process.env.PATH!,
    HOME: temporary,
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTION_PATH: actionPath,
    GITHUB_WORKSPACE: workspace,
    GITHUB_STEP_SUMMARY: summaryFile,
    RUNNER_TEMP: temporary,
    ...place.environment,
  };
  const run: ActionRun = { exitCode: 0, stdout: '', stderr: '', summary: '' };
  for (const step of runs!.steps) {
    if (step.run === undefined || without.includes(step.name ?? '') || !isDue(step, run.exitCode, given)) continue;
    const script = join(temporary, 'step.sh');
    writeFileSync(script, step.run);
    const own = Object.fromEntries(Object.entries(step.env ?? {}).map(([name, text]) => [name, filled(text, value)]));
    const result = await execa('bash', ['--noprofile', '--norc', '-eo', 'pipefail', script], {
      cwd: join(workspace, filled(step['working-directory'] ?? '.', value)),
      env: { ...environment, ...own },
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
      timeout: 120_000,
    });
    run.stdout += `${result.stdout}\n`;
    run.stderr += `${result.stderr}\n`;
    run.exitCode ||= result.exitCode ?? 1;
  }
  if (existsSync(summaryFile)) run.summary = readFileSync(summaryFile, 'utf8');
  return run;
}

/** The few conditions that the action uses; another is a mistake of the test. */
function isDue({ if: condition }: Step, failed: number, given: (name: string) => string): boolean {
  if (condition === undefined) return failed === 0;
  const text = condition.replace(/^\$\{\{\s*|\s*\}\}$/g, '');
  const input = /^!cancelled\(\)(?: && inputs\.([a-z]+) == '([a-z]+)')?$/.exec(text);
  if (input === null) throw new Error(`the condition ${condition} is not known here`);
  return input[1] === undefined || given(input[1]) === input[2];
}

function filled(text: string, value: (expression: string) => string | undefined): string {
  return text.replace(/\$\{\{ (.*?) \}\}/g, (_, expression: string) => {
    const found = value(expression);
    if (found === undefined) throw new Error(`the expression ${expression} is not known here`);
    return found;
  });
}
