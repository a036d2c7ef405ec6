// The alarms for Prometheus are true: promtool runs the cases beside this file, every alarm has one, what it asks for is something that the
// programs say, and its runbook leads somewhere.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { metricsText } from '../../agent/adapters/metrics-text.ts';
import { nodeMetrics } from '../../agent/core/node-metrics.ts';
import { createMetrics } from '../../reconciler/adapters/metrics.ts';

interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: Record<string, string>;
}

interface Cases {
  tests: { promql_expr_test?: { exp_samples: { labels: string }[] }[] }[];
}

const TOP = join(import.meta.dirname, '../..');
const RULES = join(TOP, 'docs/prometheus/alerts.yaml');
const { groups } = parse(readFileSync(RULES, 'utf8')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.yaml'));
const fired = files.flatMap((name) => firedIn(readFileSync(join(import.meta.dirname, name), 'utf8')));

test('promtool takes the rules', async () => {
  await promtool('check', 'rules', RULES);
});

test.each(files)('what fires in the cases of %s is what should', async (name) => {
  await promtool('test', 'rules', join(import.meta.dirname, name));
});

test('promtool tells when something else fires', async () => {
  const wrong = join(import.meta.dirname, 'wrong.fixture.yaml');
  await expect(promtool('test', 'rules', wrong)).rejects.toThrow(/got: \{alertname="KokoaReconcilerGone"/);
});

describe.each(rules)('$alert', ({ alert, expr, labels, annotations }) => {
  const cases = fired.filter(({ alertname }) => alertname === alert);

  test('has a case in which it fires', () => {
    expect(cases.length).toBeGreaterThan(0);
  });

  test('asks for what the programs say', async () => {
    const asked = namesIn(expr);
    const said = new Set([...(await reconcilerSays()).names, ...(await agentSays()).names, ...OTHERS]);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((name) => !said.has(name))).toEqual([]);
  });

  test('says whom to wake, and what to read, in words that are all filled in', () => {
    expect(['page', 'ticket']).toContain(labels.severity);
    expect(Object.keys(annotations)).toEqual(['summary', 'description', 'runbook']);
    expect(leadsSomewhere(annotations.runbook!)).toBe(true);
    const named = new Set(
      Object.values(annotations)
        .flatMap((text) => [...text.matchAll(/\$labels\.(\w+)/g)])
        .map(at(1)),
    );
    for (const one of cases) expect(Object.keys(one)).toEqual(expect.arrayContaining([...named].filter(isNotOfScrape)));
  });
});

test('each name of an alarm stands for one', () => {
  const names = rules.map(({ alert }) => alert);
  expect(names.length).toBeGreaterThan(20);
  expect(new Set(names).size).toBe(names.length);
  expect(fired.filter(({ alertname }) => !names.includes(alertname!))).toEqual([]);
});

test('each value of a label that a rule asks for is one that the programs say', async () => {
  const said = [...(await reconcilerSays()).labels, ...(await agentSays()).labels];
  const asked = rules.flatMap(({ expr }) => matchersIn(expr)).filter(({ name }) => !OTHERS.includes(name));
  expect(asked.length).toBeGreaterThan(10);
  const unknown = asked.filter((one) => !said.some((it) => it.name === one.name && it[one.label] === one.value));
  expect(unknown).toEqual([]);
});

/** Of Prometheus and of node_exporter. */
const OTHERS = ['up', 'node_textfile_mtime_seconds'];
/** What Prometheus adds to everything that it scrapes. */
const OF_SCRAPE = ['job', 'instance'];

const at = (index: number) => (match: RegExpMatchArray) => match[index]!;
const isNotOfScrape = (label: string) => !OF_SCRAPE.includes(label);

async function promtool(...args: string[]): Promise<void> {
  const { exitCode, all } = await execa('promtool', args, { all: true, reject: false, timeout: 55_000 });
  if (exitCode !== 0) throw new Error(`promtool ${args.join(' ')}: ${all}`);
}

/** The labels of everything that fires in some case. */
function firedIn(text: string): Record<string, string>[] {
  const { tests } = parse(text) as Cases;
  const samples = tests.flatMap((one) => (one.promql_expr_test ?? []).flatMap(({ exp_samples }) => exp_samples));
  return samples.map(({ labels }) => labelsOf(labels));
}

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name!, value!]));
}

function namesIn(expr: string): string[] {
  const bare = expr.replaceAll(/"[^"]*"/g, '');
  return [...bare.matchAll(/\b(?:kokoa_\w+|node_textfile\w+|up)\b/g)].map(at(0));
}

/** `name{label=~"a|b"}` asks for two values; what it does not want is asked for as well. */
function matchersIn(expr: string): { name: string; label: string; value: string }[] {
  return [...expr.matchAll(/(\w+)\{(\w+)(?:=~|!~|!=|=)"([^"]*)"\}/g)].flatMap(([, name, label, values]) =>
    values!.split('|').map((value) => ({ name: name!, label: label!, value })),
  );
}

interface Said {
  names: string[];
  labels: Record<string, string>[];
}

function saidIn(text: string): Said {
  const names = [...text.matchAll(/^# TYPE (\w+) /gm)].map(at(1));
  const series = [...text.matchAll(/^(\w+)\{(.*)\} /gm)];
  return { names, labels: series.map(([, name, labels]) => ({ name: name!, ...labelsOf(labels!) })) };
}

/** Whoever renames one of these values has to rename it here, and then in the rules. */
async function reconcilerSays(): Promise<Said> {
  const metrics = createMetrics();
  for (const outcome of ['published', 'unchanged', 'held'] as const) metrics.reconciled(outcome, 1);
  for (const result of ['created', 'updated', 'unchanged', 'failed'] as const) metrics.forge.said('check', result);
  metrics.notices.counted('mail', 'dropped');
  metrics.observe({
    ...{ longPolls: () => 0, refusedNodes: () => 0, silentEdges: () => 0, rootVersion: () => 1 },
    ...{ nodeStates: () => new Map(), lastSeenAges: () => new Map(), newNamesLeft: async () => new Map() },
    nodes: () => (['refused', 'rolled_back', 'degraded'] as const).map((state) => nodeIn(state)),
  });
  return saidIn((await metrics.text()).body);
}

const nodeIn = (state: string) => ({
  ...{ node: state, state, isKeptOut: false, quarantined: 0, stateAgeSeconds: 1 },
  ...{ certificatesEnding: 0, certificatesExposed: 0, unacknowledged: 0, backends: 1, backendsDown: 0 },
});

async function agentSays(): Promise<Said> {
  const metrics = nodeMetrics({
    ...{ agentVersion: '0.1.0', node: 'tokyo-1', agentRuns: true, rootVersion: 1, vouchedUntilMs: 1 },
    standing: { state: 'applied', since: '2026-01-01T00:00:00Z', leftOut: [] },
    bundles: [{ which: 'accepted', version: 1 }],
    ...{ hosts: 1, hostsWithoutCertificate: 0, certificateEndsMs: [1], certificatesEnding: 0, certificatesExposed: 0 },
    ...{ usesCaFallback: false, unacknowledged: 0, checks: [{ node: 'osaka-1', up: true }] },
    ...{ backendsDown: 0, backendsFailing: 0 },
    tunnels: [{ node: 'home', handshakeAgeSeconds: 1 }],
  });
  return saidIn(await metricsText(metrics));
}

function leadsSomewhere(link: string): boolean {
  const [path, heading] = link.split('#');
  const titles = [...readFileSync(join(TOP, path!), 'utf8').matchAll(/^#+ (.*)$/gm)].map(at(1));
  return titles.some((title) => anchorOf(title) === heading);
}

/** As GitHub makes it: lower case, spaces to dashes, nothing but letters, digits, dashes and underscores. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}
