/**
 * How a piece of work ended, in the words of Netflix concurrency-limits plus one.
 *
 * | outcome   | an adaptive limit learns | a breaker learns | say it when                                          |
 * |-----------|--------------------------|------------------|------------------------------------------------------|
 * | `success` | a sample                 | ok               | it was done; its duration means something            |
 * | `failure` | nothing                  | a failure        | it was done wrongly; its duration means nothing      |
 * | `dropped` | a loss                   | a failure        | refused or timed out further in: evidence of overload |
 * | `ignored` | nothing                  | nothing          | the caller left, or it should not count              |
 */
export type Outcome = 'success' | 'failure' | 'dropped' | 'ignored'
