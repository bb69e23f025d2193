// Conditions of a Konnektor's operation that matter to a gateway (TAB_KON_503, konnektor.md 5): type, severity, and what they
// mean in words. Fatal ones stop every operation that is not a question (4002).

export type Condition = {
  type: 'Operation' | 'Security' | 'Infrastructure';
  severity: 'Info' | 'Warning' | 'Error' | 'Fatal';
  meaning: string;
};

const condition = (type: Condition['type'], severity: Condition['severity'], meaning: string): Condition => ({
  type,
  severity,
  meaning,
});

export const CONDITIONS: Readonly<Record<string, Condition>> = {
  EC_No_VPN_TI_Connection: condition('Operation', 'Error', 'Keine Verbindung zur TI'),
  EC_No_Online_Connection: condition('Operation', 'Error', 'Keine Verbindung zum Transportnetz'),
  EC_TSL_Expiring: condition('Security', 'Info', 'Die TSL läuft bald ab'),
  EC_TSL_Out_Of_Date_Within_Grace_Period: condition('Security', 'Warning', 'Die TSL ist abgelaufen, Nachfrist läuft'),
  EC_CRL_Out_Of_Date: condition('Security', 'Fatal', 'Die CRL ist abgelaufen'),
  EC_Time_Sync_Pending_Critical: condition('Security', 'Fatal', 'Keine Zeitsynchronisation über die zulässige Dauer'),
  EC_Time_Difference_Intolerable: condition('Security', 'Fatal', 'Die Zeitabweichung ist zu groß'),
  EC_Secure_KeyStore_Not_Available: condition('Security', 'Fatal', 'Der Schlüsselspeicher ist nicht verfügbar'),
  EC_FW_Not_Valid_Status_Blocked: condition('Security', 'Fatal', 'Die Firmware ist gesperrt'),
  EC_NK_Certificate_Expired: condition('Security', 'Fatal', 'Das Zertifikat des Netzkonnektors ist abgelaufen'),
  EC_LOG_OVERFLOW: condition('Operation', 'Warning', 'Der Protokollspeicher ist voll'),
  EC_Connector_Software_Out_Of_Date: condition('Operation', 'Info', 'Eine neue Firmware liegt vor'),
};
