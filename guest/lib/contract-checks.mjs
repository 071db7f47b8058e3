// What boot2docker promises to its users and to docker-machine, asked of a running guest: [claim, command, what it must
// print]. The commands are run over SSH as the user docker, by bash. Sections are those of docs/contract/boot2docker-guest.md.

/** After the first start. */
export const AT_FIRST = [
  // 2. Disk
  [
    'the disk has data and swap under their labels',
    'sudo blkid -o value -s LABEL /dev/vda1 /dev/vda2',
    /^boot2docker-data\nboot2dockerswap$/,
  ],
  [
    'the data is mounted by its partition name',
    'grep " /mnt/" /proc/mounts',
    /^\/dev\/vda1 \/mnt\/vda1 ext4 rw/,
  ],
  [
    'what must last is on it',
    'for link in /var/lib/docker /var/lib/boot2docker /tmp; do readlink $link; done',
    /^\/mnt\/vda1\/var\/lib\/docker\n\/mnt\/vda1\/var\/lib\/boot2docker\n\/mnt\/vda1\/tmp$/,
  ],
  ['everybody may write to /tmp', 'stat -c %a /tmp/', /^1777$/],
  // 3. Accounts and SSH
  [
    'docker is user 1000 of staff and docker, with bash',
    'id; grep "^docker:" /etc/passwd',
    /^uid=1000\(docker\) gid=50\(staff\) groups=.*100\(docker\)\n.*:\/home\/docker:\/bin\/bash$/,
  ],
  ['docker may do everything without password', 'sudo -n id -u', /^0$/],
  [
    'programs of the system are found without a login shell',
    'echo $PATH; command -v ip iptables sethostname',
    /^\/usr\/local\/sbin:\/usr\/local\/bin:\/usr\/sbin:\/usr\/bin:\/sbin:\/bin\n/,
  ],
  ['the password is good for the console', `sudo grep -c '^docker:\\$6\\$' /etc/shadow`, /^1$/],
  ['root has none', `sudo grep '^root:' /etc/shadow`, /^root:\*:/],
  [
    'the network is refused passwords and root',
    'sudo /usr/sbin/sshd -T -h /var/lib/boot2docker/ssh/ssh_host_ed25519_key | grep -E "^(permitrootlogin|passwordauthentication|kbdinteractiveauthentication|permituserenvironment|usedns) " | sort',
    /^kbdinteractiveauthentication no\npasswordauthentication no\npermitrootlogin no\npermituserenvironment yes\nusedns no$/,
  ],
  [
    'host keys are where they last, for root alone',
    'readlink /usr/local/etc/ssh; sudo stat -c %a /var/lib/boot2docker/ssh',
    /^\/var\/lib\/boot2docker\/ssh\n700$/,
  ],
  [
    'screen and serial port have a shell for whoever sits there',
    'until [ "$(ps -o args | grep -c "^-bash")" -ge 2 ]; do sleep 1; done; grep "respawn" /etc/inittab',
    /console tty1 [\s\S]*console ttyS0 /,
  ],
  // 4. Commands and files
  [
    'it says that it is boot2docker',
    'cat /etc/os-release',
    /^NAME=Boot2Docker\nVERSION=\d+\.\d+\.\d+\nID=boot2docker\n[\s\S]*^PRETTY_NAME="Boot2Docker /m,
  ],
  [
    'addresses are shown as iproute2 does',
    'ip addr show dev eth0',
    /link\/ether [0-9a-f:]{17} [\s\S]*inet 10\.0\.2\.15\/24 /,
  ],
  ['listeners are shown by netstat', 'netstat -tln', /:2376 .*LISTEN/],
  ['shutdown wants a time', 'shutdown -h; echo $?', /^usage: shutdown [\s\S]*\n1$/],
  ['the power button has a handler', 'pidof acpid >/dev/null && ls /etc/acpi/PWRF', /^00000080$/],
  [
    'docker0 can be taken away and asked for',
    'sudo ip link add probe type bridge && sudo ip link delete probe && echo gone',
    /^gone$/,
  ],
  // 5. The engine
  [
    'the engine keeps its settings on the disk',
    'readlink /etc/docker',
    /^\/var\/lib\/boot2docker\/etc\/docker$/,
  ],
  [
    'the engine may open a million files',
    'sudo cat /proc/$(cat /var/run/docker.pid)/limits | grep -E "open files|processes|core"',
    /core file size +unlimited[\s\S]*processes +unlimited[\s\S]*open files +1048576/,
  ],
  [
    'the engine is started as the profile says',
    'docker info -f "{{.Driver}} {{.CgroupVersion}} {{.Labels}}"',
    /^overlay2 2 \[provider=qemu\]$/,
  ],
  [
    'containerd is a service of its own',
    'sudo /etc/init.d/containerd status; sudo tr "\\0" " " </proc/$(cat /var/run/docker.pid)/cmdline',
    /^containerd is running\n.*--containerd /,
  ],
  ['the engine warns of nothing', 'docker info -f "{{json .Warnings}}"', /^null$/],
  ['its log is on the disk', 'sudo grep -c "API listen on" /var/lib/boot2docker/log/docker.log', /^[1-9]/],
  // 7. Boot
  ['cron runs', 'pidof crond >/dev/null && sudo ls /var/lib/boot2docker/log/crond.log', /crond\.log$/],
  [
    'every controller is there for the engine',
    'cat /sys/fs/cgroup/cgroup.subtree_control',
    /(?=.*cpu)(?=.*memory)(?=.*pids)(?=.*io)/,
  ],
  // 8. Network
  [
    'name servers and default route come with the lease',
    'cat /etc/resolv.conf; ip route show default',
    /^nameserver 10\.0\.2\.3\n(?:nameserver .*\n)?default via 10\.0\.2\.2 dev eth0 /,
  ],
  [
    'a second card has a lease of its own, and the first keeps the default route',
    'ip -4 -o addr show dev eth1; ip route show default',
    /inet 10\.0\.3\.15\/24[\s\S]*eth0 metric 100[\s\S]*eth1 metric 101/,
  ],
];

/** What a user leaves on the disk before a restart. The company's authority signs a registry's certificate. */
export const LEAVE_THINGS = `
cd /var/lib/boot2docker
cat >bootsync.sh <<'EOF'
pidof dockerd >/run/order-sync || echo 'no engine yet' >/run/order-sync
EOF
cat >bootlocal.sh <<'EOF'
docker info -f '{{.Name}}' >/run/order-local
EOF
echo 'export "FROM_PROFILE=a b"' >>profile
echo renamed >etc/hostname
umask 022
mkdir -p certs etc/docker/certs.d/10.0.2.15:5002 /root/pki
cd /root/pki
new() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -config /dev/null "$@" 2>/dev/null; }
for name in company registry; do
  new -subj "/O=$name" -addext basicConstraints=critical,CA:TRUE -keyout $name-key.pem -out $name.pem
  new -subj "/O=server of $name" -CA $name.pem -CAkey $name-key.pem -addext subjectAltName=IP:10.0.2.15 -keyout $name-server-key.pem -out $name-server.pem
done
cp company.pem /var/lib/boot2docker/certs/
cp registry.pem /var/lib/boot2docker/etc/docker/certs.d/10.0.2.15:5002/registry.crt
mkdir -p /var/lib/boot2docker/pki && cp ./*-server*.pem /var/lib/boot2docker/pki/
touch /home/docker/lost /var/lib/boot2docker/kept
`;

/** Starts what takes a registry's connections and shows what it is asked: 5001 is signed by the company, 5002 by the registry's own authority, 5003 too but unknown. */
export const START_REGISTRIES = `
cd /var/lib/boot2docker/pki
serve() { { sleep 1000 | openssl s_server -accept "$1" -cert "$2-server.pem" -key "$2-server-key.pem" >/run/registry-$1; } </dev/null >/dev/null 2>&1 & }
serve 5001 company
serve 5002 registry
serve 5003 registry
for try in $(seq 100); do
  [ "$(netstat -tln | grep -c ':500[123] ')" = 3 ] && exit 0
  usleep 50000
done
exit 1
`;

const pull = (port) =>
  `docker pull 10.0.2.15:${port}/x >/dev/null 2>&1 & until sudo grep -o "GET /v2/ " /run/registry-${port}; do sleep 0.3; done; kill $!`;

/** After the second start. */
export const AFTER_RESTART = [
  [
    'the name lasts',
    'hostname; docker info -f "{{.Name}}"; cat /etc/hosts',
    /^renamed\nrenamed\n[\s\S]*127\.0\.0\.1 renamed/,
  ],
  ['bootsync.sh runs before the engine', 'cat /run/order-sync', /^no engine yet$/],
  [
    'bootlocal.sh runs after it',
    'until [ -s /run/order-local ]; do sleep 0.2; done; cat /run/order-local',
    /^renamed$/,
  ],
  [
    'the profile reaches the engine',
    'sudo cat /proc/$(cat /var/run/docker.pid)/environ | tr "\\0" "\\n" | grep FROM',
    /^FROM_PROFILE=a b$/,
  ],
  [
    'the user data is unpacked again, the rest of /home is new',
    'ls -A /home/docker/.ssh; ls -A /home/docker',
    /authorized_keys\nauthorized_keys2\nenvironment\n(?![\s\S]*lost)/,
  ],
  ['what is on the disk stays', 'ls /var/lib/boot2docker/kept', /kept$/],
  ['/tmp is empty', 'find /tmp/ -mindepth 1 | wc -l', /^0$/],
  [
    "the company's authority is trusted by the programs of the guest",
    'openssl verify -CAfile /etc/ssl/certs/ca-certificates.crt /var/lib/boot2docker/pki/company-server.pem 2>&1 || sudo openssl verify -CAfile /etc/ssl/certs/ca-certificates.crt /var/lib/boot2docker/pki/company-server.pem',
    /OK$/,
  ],
  ["P03: the engine trusts a registry by the company's authority in certs/", pull(5001), /^GET \/v2\/$/],
  ['P03: and one by an authority of its own in certs.d', pull(5002), /^GET \/v2\/$/],
  [
    'and no other',
    'docker pull 10.0.2.15:5003/x 2>&1 | tail -n 1; sudo grep -c GET /run/registry-5003',
    /x509: certificate signed by unknown authority\n0$/,
  ],
  [
    'old kinds of host keys are there for old clients',
    'until sudo test -s /var/lib/boot2docker/ssh/ssh_host_rsa_key; do sleep 0.5; done; sudo ls /var/lib/boot2docker/ssh',
    /ssh_host_ecdsa_key[\s\S]*ssh_host_ed25519_key[\s\S]*ssh_host_rsa_key/,
  ],
];

/** One script for all the commands of a list. */
export function askAll(facts) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  return facts
    .map(([, command], index) => `echo; echo '== ${index}'; timeout 40 bash -c ${quote(command)} 2>&1`)
    .join('\n');
}

/** The claims that an answer to askAll does not bear out, with what was printed. */
export function notSo(facts, answer) {
  const parts = new Map(
    answer
      .split(/^== /m)
      .slice(1)
      .map((part) => [Number.parseInt(part, 10), part.replace(/^\d+\n/, '').trimEnd()]),
  );
  return facts.flatMap(([claim, , expected], index) =>
    expected.test(parts.get(index) ?? '')
      ? []
      : [`${claim} (seen: ${(parts.get(index) ?? 'nothing').slice(0, 400)})`],
  );
}
