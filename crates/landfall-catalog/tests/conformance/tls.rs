//! A PostgreSQL that is only spoken to in secret: a cluster of the test's own, with certificates of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use landfall_catalog::Catalog;
use landfall_model::{Clock, Error, ErrorKind};

/// A cluster on a free port, whose certificate is for `localhost` and signed by the authority `root.crt`. The database
/// `open` takes nobody with TLS, `bound` wants a password, and every other connection must have TLS.
struct Server {
    folder: tempfile::TempDir,
    port: u16,
}

const ACCESS: &str = "hostnossl open all 127.0.0.1/32 trust\n\
                      host open all 127.0.0.1/32 reject\n\
                      hostssl bound all 127.0.0.1/32 scram-sha-256\n\
                      hostssl all all 127.0.0.1/32 trust\n\
                      local all all trust\n";

/// Signs as an authority, and then for a server of that name.
const CERTIFICATES: &str = r#"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=landfall-test -keyout root.key -out root.crt
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=somebody-else -keyout other.key -out other.crt
    openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
    printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n' > extensions
    openssl x509 -req -in server.csr -CA root.crt -CAkey root.key -CAcreateserial -days 2 -extfile extensions -out server.crt
    chmod 0600 server.key
"#;

fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|version| version.path().join("bin"));
    let newest = versions.filter(|programs| programs.join("initdb").exists()).max();
    newest.expect("this test starts a PostgreSQL of its own; please install the package `postgresql`")
}

/// Runs a script in `folder`; as the user `postgres` where we are root, since PostgreSQL refuses that.
fn run(folder: &Path, script: &str) {
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let mut command = if root { Command::new("runuser") } else { Command::new("sh") };
    if root {
        assert!(Command::new("chown").args(["-R", "postgres"]).arg(folder).status().unwrap().success());
        command.args(["-u", "postgres", "--", "sh"]);
    }
    let ran = command.args(["-euc", script]).current_dir(folder).output().unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    assert!(ran.status.success(), "{script}: {}", String::from_utf8_lossy(&said));
}

impl Server {
    fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (path, programs) = (folder.path().to_owned(), programs());
        run(&path, CERTIFICATES);
        run(&path, &format!("{}/initdb -D data -U root -A trust --no-sync", programs.display()));
        std::fs::write(path.join("data/pg_hba.conf"), ACCESS).unwrap();
        let settings = "-c listen_addresses=127.0.0.1 -c ssl=on -c fsync=off -c ssl_cert_file=../server.crt -c ssl_key_file=../server.key";
        let options = format!("-p {port} -c unix_socket_directories={} {settings}", path.display());
        // The server keeps what it was given to write to, so it is given nothing that we wait for the end of.
        run(&path, &format!("{}/pg_ctl -D data -o '{options}' -l log -w start >/dev/null 2>&1 || (cat log; exit 1)", programs.display()));
        let server = Server { folder, port };
        server.sql("create database open; create database bound; create role guest login superuser password 'secret'");
        server
    }

    fn sql(&self, statements: &str) {
        let each = statements.split("; ").map(|statement| format!("-c \"{statement}\"")).collect::<Vec<_>>().join(" ");
        let here = self.folder.path().display();
        run(self.folder.path(), &format!("{}/psql -h {here} -p {} -U root -d postgres {each}", programs().display(), self.port));
    }

    async fn open(&self, host: &str, rest: &str) -> Result<Catalog, Error> {
        Catalog::open(&format!("postgres://root@{host}:{}/{rest}", self.port), Clock::system()).await
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        run(self.folder.path(), &format!("{}/pg_ctl -D data -m immediate stop", programs().display()));
    }
}

/// How many of the catalog's connections have TLS, how many have not, and how many of them listen.
async fn connections(catalog: &Catalog) -> (i64, i64, i64) {
    let counted = catalog.read(|tx| {
        let sql = "select count(*) filter (where s.ssl), count(*) filter (where not s.ssl), count(*) filter (where a.query like 'listen %') \
                   from pg_stat_ssl s join pg_stat_activity a on a.pid = s.pid \
                   where a.datname = current_database() and a.application_name = 'landfall'";
        let row = tx.query_opt(sql, &[])?.unwrap();
        Ok((row.int(0)?, row.int(1)?, row.int(2)?))
    });
    counted.await.unwrap()
}

/// Opens and writes, and once it listens too, says how its connections are: with TLS and without.
async fn use_it(opened: Result<Catalog, Error>) -> (i64, i64) {
    let catalog = opened.unwrap();
    catalog.write(|tx| tx.execute("create table if not exists things (id bigint)", &[])).await.unwrap();
    let listening = async {
        loop {
            let (secret, plain, listening) = connections(&catalog).await;
            if listening == 1 {
                return (secret, plain);
            }
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(20), listening).await.expect("the catalog listens");
    catalog.close().await;
    found
}

#[tokio::test]
async fn a_server_that_wants_tls_gets_it() {
    let server = Server::start();
    let (root, other) = (server.file("root.crt"), server.file("other.crt"));
    let refused = async |host: &str, rest: &str| {
        let error = server.open(host, rest).await.err().expect("it is refused");
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
        error.message
    };
    for (host, rest) in [
        ("127.0.0.1", "postgres?sslmode=require".to_owned()),
        ("127.0.0.1", "postgres?sslmode=prefer".to_owned()),
        ("127.0.0.1", format!("postgres?sslmode=require&sslrootcert={root}")),
        ("127.0.0.1", format!("postgres?sslmode=verify-ca&sslrootcert={root}")),
        ("localhost", format!("postgres?sslmode=verify-full&sslrootcert={root}")),
    ] {
        let (secret, plain) = use_it(server.open(host, &rest).await).await;
        assert!(secret >= 3 && plain == 0, "{rest}: {secret} with TLS, {plain} without");
    }
    assert!(refused("127.0.0.1", "postgres?sslmode=disable").await.contains("no encryption"));
    for mode in ["require", "verify-ca", "verify-full"] {
        let said = refused("localhost", &format!("postgres?sslmode={mode}&sslrootcert={other}")).await;
        assert!(said.contains("UnknownIssuer"), "{mode}: {said}");
    }
    let said = refused("127.0.0.1", &format!("postgres?sslmode=verify-full&sslrootcert={root}")).await;
    assert!(said.contains("not valid for name"), "{said}");
    let said = refused("localhost", "postgres?sslmode=verify-full").await;
    assert!(said.contains("UnknownIssuer"), "the platform does not know our authority: {said}");

    // A password is bound to the server's certificate.
    let guest = format!("postgres://guest:secret@127.0.0.1:{}/bound?sslmode=require&channel_binding=require", server.port);
    assert_eq!(use_it(Catalog::open(&guest, Clock::system()).await).await.1, 0);

    // Who only prefers TLS goes without where the server has a rule against it.
    let (secret, plain) = use_it(server.open("127.0.0.1", "open?sslmode=prefer").await).await;
    assert!(secret == 0 && plain >= 3, "{secret} with TLS, {plain} without");
    assert!(refused("127.0.0.1", "open?sslmode=require").await.contains("rejects connection"));
}
