import { z } from 'zod';
import { formatByteSize, parseByteSize } from '../codec/byte-size.ts';
import { formatDuration, parseDuration } from '../codec/duration.ts';
import { formatHostPort, parseHostPort } from '../codec/host-port.ts';
import { notParsed, type Parsed } from '../codec/parsed.ts';
import { AppError } from '../errors/app-error.ts';

interface Bounds {
  readonly min?: string;
  readonly max?: string;
}

/** A duration in milliseconds, written as `30s` or `1m20s`. Default and bounds are such texts. */
export function durationSetting(defaultText: string, bounds: Bounds = {}) {
  return textSetting({ parse: within(parseDuration, bounds), format: formatDuration, form: 'duration' }).prefault(defaultText);
}

/** A size in bytes, written as `1536KB`. Default and bounds are such texts. */
export function byteSizeSetting(defaultText: string, bounds: Bounds = {}) {
  return textSetting({ parse: within(parseByteSize, bounds), format: formatByteSize, form: 'size' }).prefault(defaultText);
}

/** A listen address, written as `0.0.0.0:8000`. */
export function addressSetting(defaultText: string) {
  return textSetting({ parse: parseHostPort, format: formatHostPort, form: 'address' }).prefault(defaultText);
}

interface TextForm<Value> {
  readonly parse: (text: string) => Parsed<Value>;
  readonly format: (value: Value) => string;
  /** Name of the text form in help and documentation. */
  readonly form: string;
}

function textSetting<Value>({ parse, format, form }: TextForm<Value>) {
  return z
    .codec(z.string(), z.custom<Value>(), {
      decode: (text, context) => {
        const result = parse(text);
        if (result.ok) return result.value;
        context.issues.push({ code: 'custom', message: result.reason, input: text });
        return z.NEVER;
      },
      encode: format,
    })
    .meta({ form });
}

function within(parse: (text: string) => Parsed<number>, { min, max }: Bounds): (text: string) => Parsed<number> {
  const least = boundOf(min, -Infinity);
  const most = boundOf(max, Infinity);
  return (text) => {
    const result = parse(text);
    if (result.ok && result.value < least) return notParsed(`must be at least ${min}`);
    if (result.ok && result.value > most) return notParsed(`must be at most ${max}`);
    return result;
  };

  function boundOf(text: string | undefined, otherwise: number): number {
    if (text === undefined) return otherwise;
    const bound = parse(text);
    if (bound.ok) return bound.value;
    throw new AppError('invariantBroken', `The bound ${text} of a setting is no value: ${bound.reason}.`);
  }
}
