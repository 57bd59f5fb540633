/** Clients that hold on to connections: the host lets go of them, and serves the others meanwhile. */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { aHost } from "./fixtures/hosted.js";

/** So that nobody waits: a client has a tenth of a second. */
const IMPATIENT = { headersMs: 100, requestMs: 100, checkMs: 10, keepAliveMs: 100, unreadMs: 100 };

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A client that sends `head`, then a byte every few milliseconds, for as long as it is let. */
async function drip(url: string, head: string): Promise<{ closed: Promise<string> }> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let received = "";
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  sockets.push(socket);
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => (received += chunk));
  socket.on("error", () => undefined);
  await new Promise((connected) => socket.once("connect", connected));
  socket.write(head);
  const dripping = setInterval(() => socket.write("x"), 5);
  socket.on("close", () => {
    clearInterval(dripping);
    resolve(received);
  });
  return { closed: promise };
}

const served = async (url: string): Promise<number> => (await fetch(`${url}/things/1`)).status;

describe("a client that sends a byte at a time", () => {
  test.each([
    ["its headers", "GET /things/1 HTTP/1.1\r\nhost: h\r\nx-slow: "],
    ["its body", "POST /length HTTP/1.1\r\nhost: h\r\ncontent-length: 100000\r\n\r\n"],
    [
      "a chunk of its body",
      "POST /length HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nfffff\r\n",
    ],
  ])("of %s is cut off with 408, and others are served meanwhile", async (_, head) => {
    const { host } = await aHost({ patience: IMPATIENT });
    const slow = await Promise.all(Array.from({ length: 20 }, () => drip(host.url, head)));
    expect(await served(host.url)).toBe(200);
    for (const { closed } of slow) expect(await closed).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/);
    expect(await served(host.url)).toBe(200);
  });
});

describe("a client that", () => {
  test("connects and says nothing is closed", async () => {
    const { host } = await aHost({ patience: IMPATIENT });
    const socket = connect(Number(new URL(host.url).port), "127.0.0.1");
    sockets.push(socket);
    socket.resume();
    await new Promise((closed) => socket.once("close", closed));
    expect(await served(host.url)).toBe(200);
  });

  test("keeps its connection after an answer, and says nothing more, is closed", async () => {
    const { host } = await aHost({ patience: IMPATIENT });
    const socket = connect(Number(new URL(host.url).port), "127.0.0.1");
    sockets.push(socket);
    socket.write("GET /things/1 HTTP/1.1\r\nhost: h\r\n\r\n");
    let received = "";
    socket.on("data", (chunk) => (received += chunk.toString("latin1")));
    await new Promise((closed) => socket.once("close", closed));
    expect(received).toMatch(/^HTTP\/1.1 200 /);
  });

  test("doesn't read its answer is closed, and the answer leaves memory", async () => {
    const { host } = await aHost({ patience: IMPATIENT });
    const socket = connect(Number(new URL(host.url).port), "127.0.0.1");
    sockets.push(socket);
    socket.pause();
    socket.on("error", () => undefined);
    socket.write("GET /large HTTP/1.1\r\nhost: h\r\n\r\n");
    // A closed connection alone can be told from one that is not read by the next byte that is sent.
    const writing = setInterval(() => socket.write("\r\n"), 20);
    await new Promise((closed) => socket.once("close", closed));
    clearInterval(writing);
    expect(await served(host.url)).toBe(200);
  });
});

test("of more connections than there may be the last is closed, and the others are served", async () => {
  const { host } = await aHost({ patience: { connectionsMax: 3 } });
  const { port } = new URL(host.url);
  const open = async (): Promise<Socket> => {
    const socket = connect(Number(port), "127.0.0.1");
    sockets.push(socket);
    socket.on("error", () => undefined);
    await new Promise((connected) => socket.once("connect", connected));
    return socket;
  };
  const kept = [await open(), await open(), await open()];
  const beyond = await open();
  await new Promise((closed) => beyond.once("close", closed));
  for (const socket of kept) {
    socket.write("GET /things/1 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    const [answer] = await new Promise<Buffer[]>((came) =>
      socket.once("data", (chunk: Buffer) => {
        came([chunk]);
      }),
    );
    expect(answer?.toString("latin1")).toMatch(/^HTTP\/1.1 200 /);
  }
});
