/** Where metrics go: the two settings of the platform's own that the fleet reads, too. */
import { z } from "zod";

const GUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
// The exporter throws a string away that has one part too many, so a trailing ";" is no trifle.
const PAIRS = /^[A-Za-z]+=[^=;\s]+(?:;[A-Za-z]+=[^=;\s]+)*$/;
const KEY = new RegExp(`(?:^|;)InstrumentationKey=${GUID}(?:;|$)`, "i");
const ENDPOINTS_THAT_ARE_NONE = /(?:^|;)\w*Endpoint=(?!https:\/\/[^/?#@:;]+(?::\d+)?\/?(?:;|$))/i;
const AUTHENTICATION = new RegExp(`^Authorization=AAD(?:;ClientId=${GUID})?$`, "i");

const connectionString = z
  .string()
  .refine((text) => PAIRS.test(text) && KEY.test(text) && !ENDPOINTS_THAT_ARE_NONE.test(text), {
    error: "must be InstrumentationKey=<guid>;IngestionEndpoint=https://<host>/ and the like",
  });

/** `Authorization=AAD` sends with a managed identity, which a client id names where there are several. */
export const monitoring = z
  .object({
    APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString.optional(),
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: z
      .string()
      .regex(AUTHENTICATION, "must be Authorization=AAD, or Authorization=AAD;ClientId=<guid>")
      .optional(),
  })
  .refine(
    (given) =>
      given.APPLICATIONINSIGHTS_AUTHENTICATION_STRING === undefined ||
      given.APPLICATIONINSIGHTS_CONNECTION_STRING !== undefined,
    {
      path: ["APPLICATIONINSIGHTS_CONNECTION_STRING"],
      error: "is not set, but APPLICATIONINSIGHTS_AUTHENTICATION_STRING is",
    },
  );

export interface MonitoringSettings {
  readonly connectionString: string;
  /** Absent: the connection string is credential enough. */
  readonly identity?: { readonly clientId?: string };
}

/** What was set, as `Settings` has it. */
export function monitoringOf(given: z.infer<typeof monitoring>): { monitoring?: MonitoringSettings } {
  const text = given.APPLICATIONINSIGHTS_CONNECTION_STRING;
  if (text === undefined) return {};
  const authentication = given.APPLICATIONINSIGHTS_AUTHENTICATION_STRING;
  if (authentication === undefined) return { monitoring: { connectionString: text } };
  const clientId = /ClientId=(.+)$/i.exec(authentication)?.[1];
  return {
    monitoring: { connectionString: text, identity: clientId === undefined ? {} : { clientId } },
  };
}
