using System.Globalization;
using System.Text;

namespace FedLora.Dashboard.Privacy;

/// <summary>
/// Receipts as a table for other programs: RFC 4180, a point in numbers, times in UTC. Every field is a name of few signs, a number or hex:
/// none needs quotes, or can be taken for a formula.
/// </summary>
internal static class ReceiptsCsv
{
    private const string Header =
        "site,data_set,federation,round,at,noise_multiplier,sampling_rate,steps,clip_norm,delta,"
        + "epsilon_spent_after,epsilon_limit,ledger_entry,entry_seal";

    internal static string Write(IEnumerable<(string Node, IEnumerable<LedgerMirrorEntry> Entries)> sites)
    {
        var text = new StringBuilder(Header).Append("\r\n");
        foreach (var (node, entries) in sites)
        {
            foreach (var entry in entries)
            {
                var receipt = entry.Receipt;
                text.Append(CultureInfo.InvariantCulture,
                    $"{node},{receipt.DataSet},{entry.Federation},{entry.Round},{entry.At.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ},")
                    .Append(CultureInfo.InvariantCulture,
                        $"{receipt.NoiseMultiplier:r},{receipt.SamplingRate:r},{receipt.Steps},{receipt.ClipNorm:r},{receipt.Delta:r},")
                    .Append(CultureInfo.InvariantCulture,
                        $"{receipt.EpsilonSpent:r},{(receipt.EpsilonLimit > 0 ? $"{receipt.EpsilonLimit:r}" : "")},")
                    .Append(CultureInfo.InvariantCulture, $"{receipt.EntrySequence},{receipt.EntryHash}\r\n");
            }
        }

        return text.ToString();
    }
}
