# The gate before DNS: each service answers at this server's own address, over TLS, under every name its clients use.

$ProbeMilliseconds = 10000

# Probes every service, round after round, until all are healthy in one round or the time is over, and then returns those that were not in the last
# whole round. Fills the report's health: service -> its last answers, one a name.
function Wait-Healthy {
    param(
        [Parameter(Mandatory = $true)] $Document,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Table,
        [Parameter(Mandatory = $true)] [AllowEmptyCollection()] [string[]] $Service,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report
    )
    $fqdn = Get-ServerFqdn
    $until = (Get-Date).AddSeconds($Document.HealthSeconds)
    $unhealthy = $null
    while ($true) {
        $now = @()
        foreach ($name in $Service) {
            # The first round is asked to its end; a later one that hangs must not hold up the run.
            if ($null -ne $unhealthy -and (Get-Date) -ge $until) { return $unhealthy }
            $answers = @($Document.Names[$name] | ForEach-Object { Get-HealthAnswer -Document $Document -Name $_ -Path $Table[$name].Path -Fqdn $fqdn })
            $Report['health'][$name] = [string[]] @($answers | ForEach-Object { $_.Text })
            if (@($answers | Where-Object { -not $_.Healthy }).Count -gt 0) { $now += $name }
        }
        $unhealthy = $now
        $left = [int][Math]::Ceiling(($until - (Get-Date)).TotalSeconds)
        if ($unhealthy.Count -eq 0) { Write-Note "Healthy: $($Service -join ', ')."; return @() }
        if ($left -le 0) { return $unhealthy }
        Write-Note "Not healthy yet, $left s left: $($unhealthy -join ', ')."
        Start-Sleep -Milliseconds ([Math]::Min(2000, $left * 1000))
    }
}

# Healthy is 200 with this server's own FQDN in the body: Exchange's own word for "send me clients".
function Get-HealthAnswer {
    param(
        [Parameter(Mandatory = $true)] $Document,
        [Parameter(Mandatory = $true)] [string] $Name,
        [Parameter(Mandatory = $true)] [string] $Path,
        [Parameter(Mandatory = $true)] [string] $Fqdn
    )
    try {
        $answer = Get-WebPage -Address $Document.Address -Port $Document.Port -Name $Name -Path "/$Path/healthcheck.htm"
    } catch {
        return [pscustomobject]@{ Healthy = $false; Text = "https://$Name/$Path at $($Document.Address): $($_.Exception.GetBaseException().Message)" }
    }
    $text = "https://$Name/$Path at $($Document.Address): $($answer.Status)"
    if ($answer.Status -notmatch '^200\b') { return [pscustomobject]@{ Healthy = $false; Text = $text } }
    $own = $answer.Body -match ('(?<![A-Za-z0-9.-])' + [regex]::Escape($Fqdn) + '(?![A-Za-z0-9.-])')
    if (-not $own) { $text += ", but not from $Fqdn" }
    [pscustomobject]@{ Healthy = $own; Text = $text }
}

# GET over a connection of its own: Status ("200 OK") and Body. By hand, because .NET Framework's web requests take the name for SNI and the
# certificate from the URL, which here would be an address. HTTP/1.0, so that the body comes in one piece.
function Get-WebPage {
    param(
        [Parameter(Mandatory = $true)] [string] $Address,
        [Parameter(Mandatory = $true)] [int] $Port,
        [Parameter(Mandatory = $true)] [string] $Name,
        [Parameter(Mandatory = $true)] [string] $Path
    )
    $ip = [System.Net.IPAddress]::Parse($Address)
    $client = New-Object System.Net.Sockets.TcpClient($ip.AddressFamily)
    try {
        $connecting = $client.BeginConnect($ip, $Port, $null, $null)
        if (-not $connecting.AsyncWaitHandle.WaitOne($ProbeMilliseconds)) { throw "no connection to port $Port within $($ProbeMilliseconds / 1000) s" }
        $client.EndConnect($connecting)
        $client.ReceiveTimeout = $ProbeMilliseconds
        $client.SendTimeout = $ProbeMilliseconds
        # The store of the server decides whether the certificate is good, for the name that clients use. Windows Server 2012 R2 would offer TLS 1.0 alone.
        $tls = New-Object System.Net.Security.SslStream($client.GetStream())
        $tls.AuthenticateAsClient($Name, $null, [System.Security.Authentication.SslProtocols] 'Tls, Tls11, Tls12', $false)
        $shownHost = if ($Port -eq 443) { $Name } else { "${Name}:$Port" }
        $request = [System.Text.Encoding]::ASCII.GetBytes("GET $Path HTTP/1.0`r`nHost: $shownHost`r`nConnection: close`r`n`r`n")
        $tls.Write($request, 0, $request.Length)
        ConvertFrom-HttpText (New-Object System.IO.StreamReader($tls, [System.Text.Encoding]::UTF8)).ReadToEnd()
    } finally {
        $client.Close()
    }
}

function ConvertFrom-HttpText {
    param([Parameter(Mandatory = $true)] [AllowEmptyString()] [string] $Text)
    if ($Text -notmatch '^HTTP/\d\.\d (\d{3}[^\r\n]*)') { throw 'the answer is not HTTP' }
    $status = $Matches[1]
    $bodyAt = $Text.IndexOf("`r`n`r`n")
    [pscustomobject]@{ Status = $status; Body = $(if ($bodyAt -ge 0) { $Text.Substring($bodyAt) } else { '' }) }
}
