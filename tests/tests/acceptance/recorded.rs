//! Commands without websockets, also by the transport that has none.

use std::time::Duration;

use lxd_proto::{Error, Object, error::Outcome, resources::Instance};
use lxd_tests::{Lab, Server, everywhere};

everywhere!(output_is_whole_and_its_records_are_gone, without_output);

fn records<C: Lab>(instance: &Object<C, Instance>) -> Vec<String> {
    instance.logs().names().send().unwrap().into_iter().filter(|name| name.starts_with("exec_")).collect()
}

fn output_is_whole_and_its_records_are_gone<C: Lab>(server: &Server<C>) {
    let instance = server.running("recorded");
    // The end of the command is the end of its output: nothing is missing, however much there was.
    for size in [0, 1, 40 << 10, 16 << 20] {
        let script = format!("head -c {size} /dev/zero; head -c {} /dev/zero >&2; exit 9", size / 2);
        let done = instance.exec(["sh", "-c", &script]).recorded().output().send().unwrap();
        assert_eq!((done.code, done.stdout.len(), done.stderr.len()), (9, size, size / 2));
        assert_eq!(records(&instance), [""; 0]);
    }
    let done = instance.exec(["sh", "-c", "wc -c; echo $NAME; pwd"]).env("NAME", "a value").cwd("/tmp");
    assert_eq!(done.recorded().output().send().unwrap().stdout, "0\na value\n/tmp\n");

    let error = instance.exec(["/no/such/program"]).recorded().output().send().unwrap_err();
    assert!(matches!(error.operation().unwrap().outcome, Outcome::Failed(_)), "{error:?}");
    assert_eq!(records(&instance), [""; 0]);
    let error = instance.exec(["cat"]).stdin("in").recorded().output().send().unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
}

fn without_output<C: Lab>(server: &Server<C>) {
    let instance = server.running("recorded");
    let begin = std::time::Instant::now();
    for code in [0, 3, 255] {
        // Not being listened to is no error for the command.
        let script = format!("wc -c > /root/input && head -c 1000000 /dev/zero && echo err >&2 && exit {code}");
        assert_eq!(instance.exec(["sh", "-c", &script]).status().send().unwrap().code, code);
        assert_eq!(instance.files().get("/root/input").bytes().send().unwrap(), "0\n");
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    assert_eq!(instance.exec(["sh", "-c", "kill -TERM $$"]).status().send().unwrap().code, 143);
    let error = instance.exec(["/no/such/program"]).status().send().unwrap_err();
    assert!(matches!(error.operation().unwrap().outcome, Outcome::Failed(_)), "{error:?}");
    assert_eq!(records(&instance), [""; 0]);
}
