/** What a fleet costs a month on Cosmos DB, from the figures of one life. */
import { RENEW_AFTER_FRACTION } from "../../shared/schema/limits.js";
import { IDLE, PASSES, RENEWALS, SWEPT } from "./life.js";
import type { BodyFigures } from "./report.js";

/** A fleet whose seats are all at work. */
export interface FleetSize {
  readonly factories: number;
  /** Of each factory. */
  readonly seats: number;
  readonly leaseSeconds: number;
  /** From a job's claim to its end. */
  readonly jobSeconds: number;
  readonly heartbeatSeconds: number;
}

export interface BillItem {
  readonly what: string;
  readonly perSecond: number;
  /** RU of one, with Strong's doubled reads. */
  readonly ruEach: number;
  readonly ruPerSecond: number;
  readonly dollarsPerMonth: number;
}

/** Serverless, in US dollars: the list price of an ordinary region as we know it. */
const DOLLARS_PER_MILLION_RU = 0.25;
const MONTH_SECONDS = 30 * 24 * 3600;
/** REAPER_SCHEDULE, where it isn't set. */
const REAPER_SECONDS = 30;

export function billOf(size: FleetSize, { steps, totalStrongRu }: BodyFigures): BillItem[] {
  const ruOf = (name: string): number => {
    const step = steps.find((one) => one.name === name);
    if (step === undefined) throw new Error(`no step ${name}`);
    return step.strongRu;
  };
  const renewals = ruOf(`renew x${RENEWALS}`);
  const sweptLater = ruOf(SWEPT) - ruOf(IDLE);
  const seats = size.factories * size.seats;
  const item = (what: string, perSecond: number, ruEach: number): BillItem => {
    const ruPerSecond = perSecond * ruEach;
    const dollarsPerMonth = (ruPerSecond * MONTH_SECONDS * DOLLARS_PER_MILLION_RU) / 1e6;
    return { what, perSecond, ruEach, ruPerSecond, dollarsPerMonth };
  };
  return [
    item("renewals", seats / (size.leaseSeconds * RENEW_AFTER_FRACTION), renewals / RENEWALS),
    item("jobs, without renewals", seats / size.jobSeconds, totalStrongRu - renewals + sweptLater),
    item("heartbeats", size.factories / size.heartbeatSeconds, ruOf("heartbeat")),
    item("the reaper", 1 / REAPER_SECONDS, ruOf(IDLE) / PASSES),
  ];
}
