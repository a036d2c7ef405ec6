// Requests at a steady rate, each on a new connection, whether or not the ones before were answered. Every failure is told.
import { epochMs } from './clock.ts';
import { type Expectation, type LoadOptions, type LoadReport, mismatch } from './probe-protocol.ts';
import { probe } from './probe-request.ts';

const SECONDS_MAX = 3_600;
const FAILURES_KEPT = 10_000;
const IN_FLIGHT_MAX = 2_000;
const SUCCESS: Expectation = { status: 200 };

/** Runs until `seconds` are over or `signal` says so, then waits for what is still in flight. */
export async function runLoad(options: LoadOptions, signal: AbortSignal): Promise<LoadReport> {
  const { targets, ratePerSecond } = options;
  if (targets.length === 0 || !(ratePerSecond > 0)) throw new TypeError('a load needs targets and a rate above 0');
  const started = performance.now();
  const end = started + Math.min(options.seconds ?? SECONDS_MAX, SECONDS_MAX) * 1_000;
  const report: LoadReport = {
    startedAt: epochMs(),
    endedAt: 0,
    sent: 0,
    succeeded: 0,
    failures: [],
    failed: 0,
    latency: { p50: 0, p99: 0, max: 0 },
  };
  const latencies: number[] = [];
  const inFlight = new Set<Promise<void>>();
  const send = async (index: number) => {
    const target = targets[index];
    if (target === undefined) return;
    const result = await probe(target);
    const { startedAt, endedAt } = result.timings;
    const detail = mismatch(result, options.expect ?? SUCCESS);
    if (detail === undefined) {
      report.succeeded++;
      latencies.push(endedAt - startedAt);
      return;
    }
    report.failed++;
    if (report.failures.length >= FAILURES_KEPT) return;
    const failure = { target: index, startedAt, endedAt, detail };
    if (result.kind === 'failure') report.failures.push({ ...failure, reason: result.reason });
    else report.failures.push({ ...failure, reason: 'unexpected', status: result.status });
  };
  while (!signal.aborted && performance.now() < end) {
    const due = Math.floor(((Math.min(performance.now(), end) - started) / 1_000) * ratePerSecond);
    while (report.sent <= due && inFlight.size < IN_FLIGHT_MAX) {
      const running = send(report.sent % targets.length).finally(() => inFlight.delete(running));
      inFlight.add(running);
      report.sent++;
    }
    const nextAt = started + (report.sent / ratePerSecond) * 1_000;
    await pause(Math.max(Math.min(nextAt, end) - performance.now(), 1), signal);
  }
  await Promise.all(inFlight);
  report.endedAt = epochMs();
  report.latency = summarise(latencies);
  return report;
}

function summarise(latencies: number[]): LoadReport['latency'] {
  const sorted = latencies.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
