// What the benchmark of changes knows of a web server: how to give it a change, and what it holds.
import type { Move } from './bench-changes-site.ts';

export interface Subject {
  readonly title: string;
  /** TLS, on 127.0.0.1. */
  readonly port: number;
  /** HTTP/1.1 connections that wait for their next request survive a change, by this web server's own promise. */
  readonly keepsIdle: boolean;
  /** Makes the next change ready; nothing is in force yet. */
  prepare(): Move;
  /** Gives it that change. Resolves when it has it, as far as it says so, with what the steps took: ms by name. */
  apply(): Promise<Readonly<Record<string, number>>>;
  census(): Promise<Census>;
  /** Ends it: what is measured next has the machine for itself. */
  end(): Promise<void>;
}

/** What it holds at one moment. */
export interface Census {
  /** Bytes of its processes; what they share is counted once. */
  readonly memory: number;
  /** Bytes of the agent; absent where there is none. */
  readonly agent?: number;
  /** Processes that serve, and those that only finish what they have. */
  readonly workers: number;
  readonly oldWorkers: number;
  /** Of all its processes, and of the agent. */
  readonly openFiles: number;
  readonly agentFiles?: number;
  /** Files on disk in its folder, and releases among them. */
  readonly files?: number;
  readonly releases?: number;
}
