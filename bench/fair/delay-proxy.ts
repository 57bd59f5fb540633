/**
 * A process of its own: `delay-proxy.js <port> <ms>` listens on a free port of loopback, which it prints, and
 * passes each connection on to that port. What a client sends is held for `ms`; what comes back is not, so that
 * one request and its answer take `ms` longer together. Timers count in whole milliseconds.
 */
import { connect, createServer } from "node:net";
import { Transform } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";

const HOST = "127.0.0.1";
const [port, delayMs] = process.argv.slice(2).map(Number);
if (port === undefined || delayMs === undefined) throw new Error("delay-proxy <port> <ms>");

/** Passes each piece on `ms` after it came: later pieces wait beside earlier ones, not behind them. */
function held(ms: number): Transform {
  return new Transform({
    transform(piece: Buffer, _encoding, taken) {
      // Timers of one length fire in the order in which they were set.
      void pause(ms).then(() => this.push(piece));
      taken();
    },
    flush(ended) {
      void pause(ms).then(() => {
        ended();
      });
    },
  });
}

const server = createServer({ noDelay: true }, (client) => {
  const target = connect({ port, host: HOST, noDelay: true });
  for (const [one, other] of [
    [client, target],
    [target, client],
  ] as const) {
    one.on("error", () => other.destroy());
    one.on("close", () => other.destroy());
  }
  client.pipe(held(delayMs)).pipe(target);
  target.pipe(client);
});
server.listen(0, HOST, () => {
  const address = server.address();
  if (address !== null && typeof address !== "string") process.stdout.write(`${address.port}\n`);
});
