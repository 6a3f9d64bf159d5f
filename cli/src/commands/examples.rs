//! The examples of `--help`.

pub(super) const SEND: &str = "\
Examples:
  zmtp push tcp://localhost:5557 hello           a message of one part
  zmtp push tcp://localhost:5557 task @job.json  two parts, the second from a file
  seq 10 | zmtp push --bind tcp://*:5557         a message for each line
  zmtp push tcp://localhost:5557 'job {{count}} {{uuid}}' -n 100 --rate 20
  zmtp push tcp://localhost:5557 --rate 100 < lines   each line once, 100 lines a second
  zmtp push -c tcp://a:5557 -c tcp://b:5557 'job {{count}}' -n 100 --wait-for 2
  cat dump/* | zmtp push tcp://localhost:5557 --input json
  zmtp send --type dealer tcp://localhost:5555 '' hello

A dead endpoint does not delay the messages for the others. --wait-for 2 sends the first message
when two remotes are connected, so that each receives half of the messages.";

pub(super) const RECV: &str = "\
Examples:
  zmtp pull --bind tcp://*:5557               show what arrives
  zmtp pull @tcp://*:5557 -n 10 --timeout 5s  ten messages; exit code 3 if one is late
  zmtp pull @tcp://*:5557 --json --timestamps | jq .
  zmtp pull @tcp://*:5557 --dump dump         keep each message in a file
  zmtp pull @tcp://*:5557 --curve-server --secret-key server.cert_secret --allow-key clients/
  zmtp recv --type gather --bind ipc:///tmp/results";

pub(super) const REQUEST: &str = "\
Examples:
  zmtp request tcp://localhost:5555 hello
  zmtp request tcp://localhost:5555 hello --timeout 2s
  zmtp request tcp://localhost:5555 @request.json
  zmtp request --type client tcp://localhost:5555 hello
  zmtp request tcp://example.org:5555 hello --curve-server-key server.pub --secret-key my.secret";

pub(super) const REPLY: &str = "\
Examples:
  zmtp reply --bind tcp://*:5555 --echo
  zmtp reply --bind tcp://*:5555 pong
  zmtp reply --bind tcp://*:5555 --command 'jq .name'
  zmtp reply --bind tcp://*:5555 --echo --dump requests
  zmtp reply --type server --bind tcp://*:5555 --echo";

pub(super) const PUB: &str = "\
The first message waits for a subscriber, because it would otherwise be dropped. If a subscriber
reads too slowly, messages are dropped for it; the exit code is then 5. With
-o slow_subscriber=wait, the command waits for it instead.

Examples:
  zmtp pub --bind tcp://*:5556 weather. sunny
  zmtp pub --bind tcp://*:5556 'tick {{count}} {{time}}' --interval 1s
  zmtp pub --bind tcp://*:5556 --rate 100 < lines   each line once; @lines is one message
  tail -f log | zmtp pub tcp://localhost:5556 log '{{line}}'";

pub(super) const SUB: &str = "\
Examples:
  zmtp sub tcp://localhost:5556                   everything
  zmtp sub tcp://localhost:5556 weather. traffic. two topics
  zmtp sub --connect tcp://a:5556 --connect tcp://b:5556 weather.
  zmtp sub tcp://localhost:5556 -n 1 --raw > latest";

pub(super) const DEALER: &str = "\
Without -n, the command continues until Ctrl-C, or until all messages are sent and none arrives
within --timeout.

Examples:
  zmtp dealer tcp://localhost:5555 hello -n 1     send, end after one received message
  zmtp dealer tcp://localhost:5555 '' hello -n 1  to a REP, which needs an empty part
  zmtp dealer tcp://localhost:5555                send lines that you type";

pub(super) const ROUTER: &str = "\
Received messages begin with the identity of their remote.

Examples:
  zmtp router --bind tcp://*:5555
  zmtp router --bind tcp://*:5555 --to alice hello";

pub(super) const PAIR: &str = "\
Examples:
  zmtp pair --bind tcp://*:5558        on one side,
  zmtp pair tcp://localhost:5558       and on the other: a chat";

pub(super) const CLIENT: &str = "\
The messages that a SERVER receives begin with the routing id of their remote.

Examples:
  zmtp server --bind tcp://*:5555
  zmtp client tcp://localhost:5555 hello -n 1";

pub(super) const PEER: &str = "\
Received messages begin with the routing id of their remote.

Examples:
  zmtp peer --bind tcp://*:5555
  zmtp peer tcp://localhost:5555 hello";

pub(super) const CHANNEL: &str = "\
Examples:
  zmtp channel --bind tcp://*:5558
  zmtp channel tcp://localhost:5558 hello -n 1";

pub(super) const RADIO: &str = "\
Received messages begin with their group.

Examples:
  zmtp radio --bind tcp://*:5559 --group weather sunny
  zmtp dish tcp://localhost:5559 weather
  zmtp radio udp://239.1.2.3:5560 --group weather sunny
  zmtp dish --bind udp://239.1.2.3:5560 weather";

pub(super) const SCATTER: &str = "\
Examples:
  zmtp gather --bind tcp://*:5557
  zmtp scatter tcp://localhost:5557 hello";

pub(super) const XPUB: &str = "\
An XPUB shows `subscribe` and `cancel` with the topic.

Examples:
  zmtp xpub --bind tcp://*:5556
  zmtp xsub tcp://localhost:5556 --subscribe weather.";

pub(super) const OPTIONS: &str = "\
A dash means that the option has no value: the default of the operating system applies, or none.
zmtp itself sets `immediate`.

Examples:
  zmtp options push
  zmtp push tcp://localhost:5557 hello --option send_hwm=10 --option linger=5s";

pub(super) const CONTEXT: &str = "\
The file has a table for each context, with the keys of the library's configuration files.

Examples:
  zmtp context save prod --connect tcp://example.org:5555 --curve-server-key server.pub
  zmtp request --context prod hello
  zmtp context show prod";

pub(super) const COMPLETIONS: &str = "\
Examples:
  zmtp completions bash > ~/.local/share/bash-completion/completions/zmtp
  zmtp completions zsh > ~/.zfunc/_zmtp
  zmtp completions fish > ~/.config/fish/completions/zmtp.fish";

pub(super) const MAN: &str = "\
Examples:
  zmtp man | man -l -
  zmtp man sub | man -l -
  zmtp man --directory ~/.local/share/man/man1";

pub(super) const BENCH: &str = "\
Examples:
  zmtp bench latency tcp://localhost:5555 --rate 1000
  zmtp bench throughput --type pull tcp://localhost:5557";
