# Keeps one PostgreSQL server for the process at the other end of standard input: starts it, reaps it, and ends it
# together with that process, however that one ends.
#
# usage: keeper FOLDER COMMAND…   orders on standard input: start, reap

folder=$1
shift
server=
while read -r order; do
    case $order in
    start)
        "$@" >>"$folder/log" 2>&1 &
        server=$!
        echo "$server"
        ;;
    reap)
        wait "$server"
        echo "$?"
        server=
        ;;
    esac
done
if [ -n "$server" ]; then
    # It may have been paused.
    kill -CONT "$server"
    kill -QUIT "$server"
    wait "$server"
fi
rm -rf -- "$folder"
