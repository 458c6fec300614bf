#!/bin/sh
# Labels the csv files of a folder that are not labelled yet. For cron, every ten minutes:
#
#     */10 * * * *  /opt/npbert/label_new_files.sh /data/inbox /data/labelled
#
# Each file of the second folder appears when it is complete. A run that was cut short is gone on
# with by the next one. Move files into the inbox when they are complete: a file that still grows
# would be labelled in part.
#
# Exit codes: 0 all files are labelled; 1 some could not be, and the next run tries again;
# 2 wrong usage; 75 another run is at work.
set -u
: "${NPBERT:=npbert}" "${MODEL:=mini}" "${COLUMN:=review}"

if [ "$#" != 2 ] || [ ! -d "$1" ]; then
    echo "usage: $0 INBOX LABELLED" >&2
    exit 2
fi
inbox=$1
labelled=$2
mkdir -p "$labelled" || exit 1

exec 9>"$labelled/.lock"
flock --nonblock 9 || { echo "$0: another run is at work" >&2; exit 75; }

status=0
for file in "$inbox"/*.csv; do
    target=$labelled/${file##*/}
    [ -e "$file" ] || continue   # there is no csv file at all
    [ ! -e "$target" ] || continue
    $NPBERT classify --model "$MODEL" --input "$file" --column "$COLUMN" \
        --output "$target" --resume --quiet || status=1
done
exit "$status"
