# fish completion for duet(1).  Made by scripts/docs (make docs) of the tables in src/cli/options.c, src/cli/subcommand.c and src/client/exit.h.

# The first word that is a command; without one it is chat.
function __duet_command
    for word in (commandline -opc)[2..-1]
        if contains -- $word chat send recv ask id
            echo $word
            return
        end
    end
    return 1
end
function __duet_no_command
    not __duet_command >/dev/null
end
function __duet_is
    set -l command (__duet_command)
    or set command chat
    contains -- $command $argv
end

complete -c duet -f
complete -c duet -n __duet_no_command -a chat -d 'talk and exchange files with the peer at HOST, or with those that connect'
complete -c duet -n '__duet_is chat' -a '(__fish_print_hostnames)'
complete -c duet -n __duet_no_command -a send -d 'send files to the peer at HOST, or to the first one that connects'
complete -c duet -n '__duet_is send' -F
complete -c duet -n __duet_no_command -a recv -d 'receive files from the peer at HOST, or from one that connects'
complete -c duet -n __duet_no_command -a ask -d 'run a command on a peer and print its answer'
complete -c duet -n '__duet_is ask' -a 'echo reverse time sum status ping'
complete -c duet -n __duet_no_command -a id -d 'print your name and key fingerprint'
complete -c duet -n '__duet_is send recv ask' -s c -l connect -x -a '(__fish_print_hostnames)' -d 'connect to this peer; without it, wait for one'
complete -c duet -n '__duet_is chat' -l plain -d 'lines instead of a screen: messages or /commands in, events out'
complete -c duet -n '__duet_is chat recv' -s o -l out -x -a '(__fish_complete_directories)' -d 'where received files go (default: the current directory)'
complete -c duet -n '__duet_is chat recv' -s y -l yes -d 'accept every offered file'
complete -c duet -n '__duet_is recv' -s k -l keep -d 'keep waiting for the next peer'
complete -c duet -n '__duet_is chat send recv ask' -s p -l port -x -d 'local UDP port (default 6254; 0: any free one)'
complete -c duet -n '__duet_is chat send recv ask' -l bind -x -d 'local address to use'
complete -c duet -n '__duet_is chat send recv ask' -s 4 -l ipv4 -d 'IPv4 only'
complete -c duet -n '__duet_is chat send recv ask' -s 6 -l ipv6 -d 'IPv6 only'
complete -c duet -l home -x -a '(__fish_complete_directories)' -d 'keep keys and known peers in DIR (else DUET_HOME, else XDG)'
complete -c duet -l name -x -d 'the name peers see'
complete -c duet -n '__duet_is chat send recv ask' -l accept-new -d 'trust new keys (a changed key is always refused)'
complete -c duet -n '__duet_is chat send recv ask' -l peer -x -d 'trust only the peer with this key'
complete -c duet -n '__duet_is chat send recv ask' -l mode -x -a 'burst step' -d 'many packets in flight, or one at a time'
complete -c duet -n '__duet_is chat send recv ask' -l window -x -d 'at most this many file bytes in flight (default 48M)'
complete -c duet -n '__duet_is chat send recv ask' -l max-packet -x -d 'largest UDP payload (default: what the path carries)'
complete -c duet -n '__duet_is chat send recv ask' -l heartbeat -x -d 'send a sign of life this often when idle (default 5)'
complete -c duet -n '__duet_is chat send recv ask' -l timeout -x -d 'give up connecting, or on a silent peer, after this (default 30)'
complete -c duet -n '__duet_is chat send recv ask' -l cc -x -a 'bbr cubic' -d 'congestion controller'
complete -c duet -n '__duet_is chat send recv ask' -l limit -x -d 'send at most this many bytes a second'
complete -c duet -n '__duet_is chat send recv ask' -l trace -r -F -d 'log what the transport does as JSON lines'
complete -c duet -n '__duet_is chat send recv ask' -l no-gso -d 'send packets one by one, not in batches (UDP GSO)'
complete -c duet -s q -l quiet -d 'show errors only'
complete -c duet -s v -l verbose -d 'say more'
complete -c duet -l no-color -d 'no colours (also: NO_COLOR)'
complete -c duet -s h -l help -d 'show this help'
complete -c duet -l version -d 'show the version'
