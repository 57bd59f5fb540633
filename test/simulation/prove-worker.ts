/** A thread of `npm run prove`: proves its share, and tells what it found. */
import { parentPort, workerData } from "node:worker_threads";
import { prove } from "./share.js";
import type { Share } from "./share.js";

parentPort?.postMessage(await prove(workerData as Share));
