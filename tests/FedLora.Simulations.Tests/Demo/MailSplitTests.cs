using FedLora.Simulations.Demo;

namespace FedLora.Simulations.Tests.Demo;

public sealed class MailSplitTests
{
    private static readonly IReadOnlyList<Mail> Mails = [
        .. SpamAssassin.Sources.SelectMany(
            (source, s) => Enumerable.Range(0, 300 + 200 * s).Select(i => new Mail(source, $"{i}", $"{source} {i}")))];

    [Fact]
    public void Every_mail_is_somewhere_and_only_there()
    {
        var split = MailSplit.Create(Mails, 4, 1000, seed: 1);
        var all = split.Sites.SelectMany(site => site).Concat(split.HeldOut).ToList();
        Assert.Equal(1000, split.HeldOut.Count);
        Assert.Equal(Mails.OrderBy(mail => mail.Text), all.OrderBy(mail => mail.Text));
    }

    [Fact]
    public void Held_out_mails_are_stratified_and_the_same_for_every_seed()
    {
        var one = MailSplit.Create(Mails, 4, 1000, seed: 1);
        Assert.Equal(one.HeldOut, MailSplit.Create(Mails, 3, 1000, seed: 2).HeldOut);
        foreach (var source in SpamAssassin.Sources)
            Assert.Equal(1000.0 * Mails.Count(mail => mail.Source == source) / Mails.Count,
                one.HeldOut.Count(mail => mail.Source == source), tolerance: 1.0);
    }

    [Fact]
    public void Sites_differ_in_size_and_label_and_each_has_both_labels()
    {
        var sites = MailSplit.Create(Mails, 4, 1000, seed: 1).Sites;
        Assert.All(sites, site => Assert.Equal(2, site.Select(mail => mail.Label).Distinct().Count()));
        Assert.True(sites.Max(site => site.Count) > 1.5 * sites.Min(site => site.Count));
        var spam = sites.Select(site => site.Count(mail => mail.Label == "spam") / (double)site.Count).ToList();
        Assert.True(spam.Max() - spam.Min() > 0.1);
    }

    [Fact]
    public void Equal_seeds_give_equal_shares()
    {
        Assert.Equal(MailSplit.Create(Mails, 4, 1000, seed: 5).Sites, MailSplit.Create(Mails, 4, 1000, seed: 5).Sites);
        Assert.NotEqual(MailSplit.Create(Mails, 4, 1000, seed: 5).Sites, MailSplit.Create(Mails, 4, 1000, seed: 6).Sites);
    }

    /// <summary>Ten sites and three seeds had "no split"; here every number of sites that the corpus is large enough for.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void There_is_a_split_for_every_number_of_sites_from_2_to_50(int seed)
    {
        var mails = SpamAssassin.Sources.SelectMany(
            (source, s) => Enumerable.Range(0, 600 + (400 * s)).Select(i => new Mail(source, $"{i}", $"{source} {i}"))).ToList();
        for (var sites = 2; sites <= 50; sites++)
        {
            var split = MailSplit.Create(mails, sites, 1000, seed);
            Assert.Equal((sites, mails.Count), (split.Sites.Count, split.HeldOut.Count + split.Sites.Sum(site => site.Count)));
            foreach (var label in Mail.Labels)
            {
                var equal = split.Sites.Sum(site => site.Count(mail => mail.Label == label)) / (double)sites;
                Assert.All(split.Sites,
                    site => Assert.True(site.Count(mail => mail.Label == label) >= 0.05 * equal, $"{sites} sites, {label}"));
            }
        }
    }

    [Fact]
    public void Too_few_mails_are_an_error() =>
        Assert.Equal("demo-too-small", Assert.Throws<FedLoraException>(() => MailSplit.Create(Mails, 40, 1000, seed: 1)).Code);
}
