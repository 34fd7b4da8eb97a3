# SPDX-License-Identifier: MIT
# Hashes, regular expressions, strings, calls: what scripts do.

sub next_number {
    return ($_[0] * 1103515 + 12345) % 2147483648;
}

my ($x, %seen, @lines) = (12345);
for (1 .. 60000) {
    $x = next_number($x);
    push @lines, "line $_: key=" . $x % 997 . " value=$x";
}
for (@lines) {
    $seen{$1} += $2 % 1000 if /key=(\d+) value=(\d+)/;
}
my $text = join ",", map { "$_:$seen{$_}" } sort keys %seen;
$text =~ s/(\d)(\d)/$2$1/g;
print length($text), " ", unpack("%32C*", $text), "\n";
