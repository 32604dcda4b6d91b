
namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>A key of the key ring, encrypted under the root key.</summary>
internal sealed class KeyRingRow
{
    public const int MaxNameLength = 255;

    public required string Name { get; init; }

    public required string Xml { get; set; }

    /// <summary>See <c>KeyRecords</c>.</summary>
    public required byte[] Tag { get; set; }
}
