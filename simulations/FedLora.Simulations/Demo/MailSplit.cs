using FedLora.Simulations.Data;

namespace FedLora.Simulations.Demo;

/// <summary>The mails of the sites, and those that no site sees.</summary>
/// <param name="Sites">Training mails per site.</param>
/// <param name="HeldOut">Test mails.</param>
public sealed record MailSplit(IReadOnlyList<IReadOnlyList<Mail>> Sites, IReadOnlyList<Mail> HeldOut)
{
    /// <summary>Concentration of the Dirichlet distribution: the smaller, the less the sites are alike.</summary>
    public const double Concentration = 0.1;

    private const int LargestTries = 100;

    // One over the share of an equal part that every site has of each label at least.
    private const int LeastShare = 20;

    // Whatever the seed of a demo, the same mails are held out: the base model was pre-trained on the others.
    private const int HeldOutSeed = 2002;

    /// <summary>
    /// Holds mails out, stratified by source folder and always the same, and gives the rest to the sites: for each source folder the sites'
    /// shares are drawn from a Dirichlet distribution with concentration 0.1 (Hsu et al. 2019, arXiv:1909.06335), so that sizes, sources
    /// and labels differ by site. Shares are drawn again until every site has at least 5 % of an equal share of each label; over many
    /// sites, where that hardly ever comes about, those that lack
    /// some get them from the sites that have most.
    /// </summary>
    /// <param name="all">All mails.</param>
    /// <param name="sites">Number of sites.</param>
    /// <param name="heldOut">Number of mails to hold out.</param>
    /// <param name="seed">Equal seeds give equal shares.</param>
    public static MailSplit Create(IReadOnlyList<Mail> all, int sites, int heldOut, int seed)
    {
        if (sites < 1 || heldOut < 1 || all.Count < heldOut + 100 * sites)
            throw new FedLoraException("demo-too-small", $"{all.Count} mails are too few for {heldOut} held-out mails and {sites} sites.",
                "Ask for fewer sites.");
        var (test, train) = HoldOut(all, heldOut);
        var random = new Random(seed);
        foreach (var source in train)
            random.Shuffle(source);
        var least = Mail.Labels.Select(
            label => (Label: label, Mails: (train.Sum(source => Has(source, label)) + (LeastShare * sites) - 1) / (LeastShare * sites)))
            .ToList();
        var parts = Deal(train, sites, random);
        for (var attempt = 1; attempt < LargestTries
            && !least.TrueForAll(need => parts.TrueForAll(part => Has(part, need.Label) >= need.Mails)); attempt++)
            parts = Deal(train, sites, random);
        foreach (var (label, mails) in least)
            Even(parts, label, mails);
        return new MailSplit([.. parts.Select(part => { var mixed = part.ToArray(); random.Shuffle(mixed); return mixed; })], test);
    }

    /// <summary>Takes mails out of every source folder in proportion; the rest comes back by source folder.</summary>
    public static (IReadOnlyList<Mail> HeldOut, IReadOnlyList<Mail[]> Training) HoldOut(IReadOnlyList<Mail> mails, int heldOut)
    {
        var random = new Random(HeldOutSeed);
        var test = new List<Mail>();
        var train = new List<Mail[]>();
        var left = mails.Count;
        foreach (var group in mails.GroupBy(mail => mail.Source).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var source = group.ToArray();
            random.Shuffle(source);
            // What is still to be held out, in proportion to what is left: the counts add up exactly.
            var take = (int)Math.Round((double)(heldOut - test.Count) * source.Length / left);
            left -= source.Length;
            test.AddRange(source[..take]);
            train.Add(source[take..]);
        }
        return (test, train);
    }

    // Whoever has most of a label has more than an equal share of it, and so never comes to lack it.
    private static void Even(List<List<Mail>> parts, string label, int least)
    {
        foreach (var poor in parts)
        {
            for (var has = Has(poor, label); has < least; has++)
            {
                var rich = parts.MaxBy(part => Has(part, label))!;
                var last = rich.FindLastIndex(mail => mail.Label == label);
                poor.Add(rich[last]);
                rich.RemoveAt(last);
            }
        }
    }

    private static int Has(IEnumerable<Mail> mails, string label) => mails.Count(mail => mail.Label == label);

    private static List<List<Mail>> Deal(IReadOnlyList<Mail[]> sources, int sites, Random random)
    {
        var parts = Enumerable.Range(0, sites).Select(_ => new List<Mail>()).ToList();
        foreach (var source in sources)
        {
            var ends = Dirichlet.Cut(source.Length, sites, Concentration, random);
            for (var site = 0; site < sites; site++)
                parts[site].AddRange(source[(site == 0 ? 0 : ends[site - 1])..ends[site]]);
        }
        return parts;
    }
}
