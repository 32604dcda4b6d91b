namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>An integrity key, encrypted under the root key.</summary>
internal sealed class IntegrityKeyRow
{
    public required int Number { get; init; }

    public required byte[] Wrapped { get; set; }
}
