# SPDX-License-Identifier: MIT
# Perl: text, regular expressions, numbers and sorting.
perl -e '
use strict; use warnings;
my ($x, $sum, %count, @list) = (12345, 0);
my $rounds = shift;
for my $i (1 .. $rounds) {
    $x = ($x * 1103515245 + 12345) % 2147483648;
    my $word = sprintf "%x-%o-%.9g", $x, $x >> 3, sin($x) * 1e5;
    $word =~ tr/a-f/u-z/;
    $count{$1}++ while $word =~ /([u-z]+\d)/g;
    $word =~ s/(\d)(?=\d\1)/<$1>/g;
    push @list, $word;
    $sum = ($sum + unpack("%32C*", $word) * $i) % 4294967296;
}
print "$sum ", join(",", map { "$_=$count{$_}" } (sort keys %count)[0 .. 40]);
print "\n", join("|", (sort { length $a <=> length $b or $a cmp $b } @list)
    [0 .. 30]), "\n";
printf "%.17g %.17g %s\n", atan2(1, 3) ** 0.3, exp(log(7) / 3), 2 ** 70;
' $((QUICK ? 3000 : 100000))
