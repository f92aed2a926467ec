// A vitest reporter: names the tests that passed only when they were run again, so that a second try hides nothing.
export default class SecondTryReporter {
  onTestRunEnd(testModules) {
    const names = testModules.flatMap((module) =>
      [...module.children.allTests()].filter((test) => test.diagnostic()?.flaky === true).map((test) => test.fullName),
    );
    for (const name of names) process.stdout.write(`Passed only at the second try: ${name}\n`);
  }
}
