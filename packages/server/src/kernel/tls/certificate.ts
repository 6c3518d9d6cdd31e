import type { Server } from 'node:https';
import { sleep } from '../async/sleep.ts';
import { utcTime } from '../codec/utc-time.ts';
import { AppError, errorText } from '../errors/app-error.ts';
import type { Part } from '../lifecycle/part.ts';
import type { Logger } from '../observe/logger.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Clock } from '../time/clock.ts';
import { type StartTimer, systemTimer } from '../time/start-timer.ts';
import type { tlsMetricTable } from './tls-metrics.ts';
import { type CheckedPair, checkTlsPair, readTlsFiles, type TlsFiles, type TlsPair } from './tls-pair.ts';

interface CertificateOptions {
  /** Whose certificate it is: "http-source". */
  readonly listener: string;
  readonly files: TlsFiles;
  readonly metrics: Metrics<typeof tlsMetricTable>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly startTimer?: StartTimer;
}

/**
 * How often the files are looked at. They are read, not watched: orchestrators exchange them by links far above them,
 * which no watch on the file reports, and two small reads a second cost nothing.
 */
const lookEveryMs = 1000;

/**
 * The certificate of a TLS listener, and its successors.
 *
 * Changed files are taken for new connections once two looks in a row saw the same bytes, so that a pair that is being written
 * is not judged half; open connections stay. A pair that is broken or expired is refused, with one log line, and the one before
 * stays in use.
 */
export class Certificate implements Part {
  readonly name: string;
  readonly #options: CertificateOptions;
  readonly #servers: Server[] = [];
  #current: CheckedPair;
  /** The content that was last taken or refused. */
  #judged: string;
  /** What the last look saw. */
  #seen: string;

  private constructor(options: CertificateOptions, { text, current }: { readonly text: string; readonly current: CheckedPair }) {
    this.name = `${options.listener}-certificate`;
    this.#options = options;
    this.#current = current;
    this.#judged = text;
    this.#seen = text;
    options.metrics.gaugeOf('sluice_tls_certificate_expires_seconds', { listener: options.listener }, () => this.#current.expiresAt / 1000);
    this.#tellCurrent();
  }

  /** `configInvalid` where the files cannot be read or do not fit; one that has expired is used, and warned of. */
  static async open(options: CertificateOptions): Promise<Certificate> {
    const { listener, files } = options;
    try {
      const found = await readTlsFiles(files);
      return new Certificate(options, { text: textOf(found), current: checkTlsPair(found) });
    } catch (error) {
      throw new AppError(
        'configInvalid',
        `${listener} cannot use the certificate ${files.cert} with the key ${files.key}: ${errorText(error)}.`,
        {
          cause: error,
        },
      );
    }
  }

  get pair(): TlsPair {
    return this.#current.pair;
  }

  /** The server gets each new pair from now on, and its failed handshakes are counted. */
  attach(server: Server): void {
    const { metrics, listener } = this.#options;
    const failures = metrics.counter('sluice_tls_handshake_failures_total', { listener });
    server.on('tlsClientError', () => failures.inc());
    this.#servers.push(server);
  }

  /** Follows the files until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { startTimer = systemTimer } = this.#options;
    while (await sleep(lookEveryMs, signal, startTimer)) await this.#look();
  }

  async #look(): Promise<void> {
    const found = await readTlsFiles(this.#options.files).catch((error: unknown) => ({ error }));
    const text = 'error' in found ? errorText(found.error) : textOf(found);
    const isSettled = text === this.#seen;
    this.#seen = text;
    if (!isSettled || text === this.#judged) return;
    this.#judged = text;
    try {
      if ('error' in found) throw found.error;
      this.#take(checkTlsPair(found));
    } catch (error) {
      this.#refuse(error);
    }
  }

  #take(next: CheckedPair): void {
    if (next.expiresAt <= this.#options.clock.now()) throw new AppError('configInvalid', `it expired at ${dateOf(next)}`);
    for (const server of this.#servers) server.setSecureContext(next.pair);
    this.#current = next;
    this.#tellCurrent();
  }

  #refuse(error: unknown): void {
    const { listener, files, logger, metrics } = this.#options;
    metrics.counter('sluice_tls_certificates_refused_total', { listener }).inc();
    logger.error(
      { listener, certFile: files.cert, keyFile: files.key, error: errorText(error) },
      'a changed certificate is refused, the one before stays in use',
    );
  }

  #tellCurrent(): void {
    const { listener, logger, clock } = this.#options;
    const fields = { listener, expiresAt: dateOf(this.#current) };
    if (this.#current.expiresAt <= clock.now()) logger.warn(fields, 'the certificate has expired');
    else logger.info(fields, 'the certificate is in use');
  }
}

const textOf = ({ cert, key }: TlsFiles): string => `${cert}\0${key}`;
const dateOf = ({ expiresAt }: CheckedPair): string => utcTime(expiresAt);
