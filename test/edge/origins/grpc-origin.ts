// A gRPC service without .proto files: messages are texts. Echoes the four kinds of call, or ends with the status that the text names.
import {
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from '@grpc/grpc-js';

export const GRPC = {
  unary: '/kokoa.Echo/Unary',
  serverStream: '/kokoa.Echo/ServerStream',
  clientStream: '/kokoa.Echo/ClientStream',
  bidi: '/kokoa.Echo/Bidi',
} as const;

export interface GrpcOrigin {
  readonly address: string;
  readonly port: number;
  /** Metadata of every call, in order. */
  readonly metadata: Record<string, string>[];
  end(): void;
}

const bytes = (text: string) => Buffer.from(text);
const text = (message: Buffer) => message.toString('utf8');

/** Every call gets the trailer `x-trailer: here`. The text `fail N` ends a unary call with status N. */
export async function startGrpc(address: string): Promise<GrpcOrigin> {
  const seen: Record<string, string>[] = [];
  const note = (metadata: Metadata) => {
    seen.push(Object.fromEntries(Object.entries(metadata.getMap()).map(([name, value]) => [name, String(value)])));
  };
  const server = new Server();
  server.addService(definition(), handlers(note));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${address}:0`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { address, port, metadata: seen, end: () => server.forceShutdown() };
}

function handlers(note: (metadata: Metadata) => void) {
  const unary: handleUnaryCall<string, string> = ({ metadata, request }, callback) => {
    note(metadata);
    const code = /^fail (\d+)$/.exec(request)?.[1];
    if (code) callback({ code: Number(code), details: 'as asked', metadata: trailer() });
    else callback(null, `echo ${request}`, trailer());
  };
  const serverStream: handleServerStreamingCall<string, string> = (call) => {
    note(call.metadata);
    for (const number of [1, 2, 3]) call.write(`${call.request} ${number}`);
    call.end(trailer());
  };
  const clientStream: handleClientStreamingCall<string, string> = (call, callback) => {
    note(call.metadata);
    const all: string[] = [];
    call.on('data', (message: string) => all.push(message));
    call.on('end', () => callback(null, all.join('+'), trailer()));
  };
  const bidi: handleBidiStreamingCall<string, string> = (call) => {
    note(call.metadata);
    call.on('data', (message: string) => call.write(`echo ${message}`));
    call.on('end', () => call.end(trailer()));
  };
  return { unary, serverStream, clientStream, bidi };
}

function definition(): ServiceDefinition {
  const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
    ...{ path, requestStream, responseStream },
    ...{ requestSerialize: bytes, requestDeserialize: text, responseSerialize: bytes, responseDeserialize: text },
  });
  return {
    unary: method(GRPC.unary, false, false),
    serverStream: method(GRPC.serverStream, false, true),
    clientStream: method(GRPC.clientStream, true, false),
    bidi: method(GRPC.bidi, true, true),
  };
}

function trailer(): Metadata {
  const metadata = new Metadata();
  metadata.set('x-trailer', 'here');
  return metadata;
}
