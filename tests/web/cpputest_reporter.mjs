// Reports node's tests in the words of CppUTest, which ./dev test counts by.
export default async function* report(source) {
  let passed = 0,
    failed = 0,
    skipped = 0;
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.skip !== undefined) {
      ++skipped;
      continue;
    }
    if (type === 'test:pass') {
      ++passed;
      yield `TEST(web, ${data.name}) - ${Math.round(data.details.duration_ms)} ms\n`;
    } else {
      ++failed;
      const cause = data.details.error?.cause ?? data.details.error;
      yield `${data.file ?? 'tests/web'}:${data.line ?? 0}: error: Failure in TEST(web, ${data.name})\n\t${String(cause?.stack ?? cause).replaceAll('\n', '\n\t')}\n`;
    }
  }
  const ran = passed + failed;
  yield failed
    ? `\nErrors (${failed} failures, ${ran + skipped} tests, ${ran} ran, ${ran} checks, ${skipped} ignored)\n`
    : `\nOK (${ran + skipped} tests, ${ran} ran, ${ran} checks, ${skipped} ignored)\n`;
}
