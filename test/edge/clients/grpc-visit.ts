// A visitor who speaks gRPC, without .proto files: messages are bytes. The four kinds of call, with metadata, status and trailers.
import { Client, credentials, Metadata, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import type { Door } from './door.ts';

const DEADLINE_MS = 10_000;

export interface GrpcOutcome {
  /** Texts in the order they came. */
  messages: string[];
  /** 0 is OK. */
  code: number;
  details: string;
  trailers: Record<string, string>;
}

export interface GrpcVisit {
  /** One message or none each way, or many: `send` are the visitor's, what comes back is `messages`. Never rejects for a status. */
  unary(path: string, send: string, metadata?: Record<string, string>): Promise<GrpcOutcome>;
  serverStream(path: string, send: string): Promise<GrpcOutcome>;
  clientStream(path: string, send: readonly string[]): Promise<GrpcOutcome>;
  /** Sends the next text only when the last one was answered. */
  bidi(path: string, send: readonly string[]): Promise<GrpcOutcome>;
  end(): void;
}

const bytes = (text: string) => Buffer.from(text);
const text = (message: Buffer) => message.toString('utf8');

export function openGrpc({ address, httpsPort, pki }: Door, host: string): GrpcVisit {
  const client = new Client(`${address}:${httpsPort}`, credentials.createSsl(Buffer.from(pki.caPem)), {
    'grpc.ssl_target_name_override': host,
    'grpc.default_authority': host,
    'grpc.enable_http_proxy': 0,
    'grpc.enable_retries': 0,
  });
  const options = () => ({ deadline: Date.now() + DEADLINE_MS });
  return {
    unary: (path, send, more = {}) =>
      new Promise((resolve) => {
        const metadata = new Metadata();
        for (const [name, value] of Object.entries(more)) metadata.set(name, value);
        const { messages, finish } = collect(resolve);
        const call = client.makeUnaryRequest(path, bytes, text, send, metadata, options(), keep(messages));
        call.on('status', finish);
      }),
    serverStream: (path, send) =>
      new Promise((resolve) => {
        const { messages, finish } = collect(resolve);
        const call = client.makeServerStreamRequest(path, bytes, text, send, options());
        call.on('data', (message: string) => messages.push(message));
        call.on('error', () => undefined);
        call.on('status', finish);
      }),
    clientStream: (path, send) =>
      new Promise((resolve) => {
        const { messages, finish } = collect(resolve);
        const call = client.makeClientStreamRequest(path, bytes, text, options(), keep(messages));
        call.on('status', finish);
        for (const one of send) call.write(one);
        call.end();
      }),
    bidi: (path, send) =>
      new Promise((resolve) => {
        const { messages, finish } = collect(resolve);
        const call = client.makeBidiStreamRequest(path, bytes, text, options());
        const sayNext = () => {
          const next = send[messages.length];
          if (next === undefined) call.end();
          else call.write(next);
        };
        call.on('data', (message: string) => {
          messages.push(message);
          sayNext();
        });
        call.on('error', () => undefined);
        call.on('status', finish);
        sayNext();
      }),
    end: () => client.close(),
  };
}

function collect(resolve: (outcome: GrpcOutcome) => void) {
  const messages: string[] = [];
  const finish = ({ code, details, metadata }: StatusObject) => {
    const trailers = Object.entries(metadata.getMap()).map(([name, value]) => [name, String(value)]);
    resolve({ messages, code, details, trailers: Object.fromEntries(trailers) });
  };
  return { messages, finish };
}

function keep(messages: string[]) {
  return (_error: ServiceError | null, message?: string) => {
    if (message !== undefined) messages.push(message);
  };
}
