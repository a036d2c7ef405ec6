// What every workflow and action of this repository keeps to, as values. Law: what somebody else wrote never becomes part of a command,
// and a job that reads somebody else's files has nothing worth taking.
import { parse } from 'yaml';

export interface Step {
  name?: string;
  uses?: string;
  run?: string;
  if?: string;
  with?: Record<string, unknown>;
  env?: Record<string, string>;
  shell?: string;
  'working-directory'?: string;
}

export interface Workflow {
  on?: string | string[] | Record<string, unknown>;
  permissions?: Record<string, string>;
  concurrency?: { group: string };
  jobs?: Record<string, { steps: Step[]; permissions?: unknown; 'timeout-minutes'?: number; env?: unknown }>;
  runs?: { using: string; steps: Step[] };
  inputs?: Record<string, { description?: string; default?: string }>;
}

/** Sentences; none: it keeps to the rules. */
export function brokenRules(text: string): string[] {
  const workflow = parse(text, { uniqueKeys: true, strict: true, version: '1.2' }) as Workflow;
  const jobs = Object.values(workflow.jobs ?? {});
  const steps = [...jobs.flatMap((job) => job.steps), ...(workflow.runs?.steps ?? [])];
  return [...steps.flatMap(stepRules), ...(workflow.jobs === undefined ? [] : workflowRules(workflow, text))];
}

function stepRules({ name = '', uses, run, shell, with: options = {} }: Step): string[] {
  const at = (sentence: string) => `${name || uses || run?.slice(0, 30)}: ${sentence}`;
  return [
    ...(run?.includes('${{') ? [at('an expression inside a command')] : []),
    ...(run !== undefined && /\beval\b|\bxargs\b|\bsh -c\b/.test(run) ? [at('text that becomes a command')] : []),
    ...(run !== undefined && shell !== undefined && shell !== 'bash' ? [at('another shell')] : []),
    ...(uses !== undefined && !isPinned(uses) ? [at('not pinned to a major version')] : []),
    ...(uses?.startsWith('actions/checkout@') && options['persist-credentials'] !== false
      ? [at('the token stays in the checkout')]
      : []),
    ...(uses?.startsWith('actions/checkout@') && /head|event\.issue|\binputs\b/.test(String(options.ref ?? ''))
      ? [at('a head is checked out by its name')]
      : []),
  ];
}

/** Of GitHub itself, ours, or in this very checkout. */
function isPinned(uses: string): boolean {
  return [
    /^actions\/[a-z-]+@v[1-9][0-9]*$/,
    /^[\w-]+\/kokoa-proxy(\/\.github\/actions\/[a-z]+)?@v\d[\w.-]*$/,
    /^\.\/[\w./-]*$/,
  ].some((form) => form.test(uses));
}

const HOSTILE = ['pull_request', 'pull_request_review', 'issues', 'issue_comment'];
const REFUSED = ['pull_request_target', 'workflow_run', 'issue_comment', 'repository_dispatch'];

function workflowRules(workflow: Workflow, text: string): string[] {
  const { on, permissions, concurrency, jobs = {} } = workflow;
  const events = typeof on === 'string' ? [on] : Array.isArray(on) ? on : Object.keys(on ?? {});
  const isHostile = events.some((event) => HOSTILE.includes(event));
  const writes = Object.entries(permissions ?? {}).filter(([, level]) => level !== 'read' && level !== 'none');
  return [
    ...events.filter((event) => REFUSED.includes(event)).map((event) => `runs on ${event}`),
    ...(permissions === undefined || typeof permissions === 'string' ? ['no permissions at the top'] : []),
    ...(isHostile && !events.includes('issues') ? writes.map(([scope]) => `may write ${scope}`) : []),
    ...(/\bsecrets\b/.test(text.replace(/^\s*#.*$/gm, '')) ? ['names a secret'] : []),
    ...(isHostile && concurrency === undefined ? ['no bound on runs at once'] : []),
    ...Object.entries(jobs).flatMap(([name, job]) => [
      ...(job['timeout-minutes'] === undefined ? [`${name}: no timeout`] : []),
      ...(job.permissions !== undefined ? [`${name}: permissions of its own`] : []),
    ]),
  ];
}
